// SPDX-License-Identifier: Apache-2.0
// validate_crate.js FOLDER: what the validator of the npm package "ro-crate"
// says of an unpacked crate, without the network: the context that it would
// fetch is the one that it ships. Exit code 1 on any error or warning.
const fs = require('fs'), path = require('path');
const context = JSON.parse(fs.readFileSync(require.resolve('ro-crate/lib/context.json')));
globalThis.fetch = async (url) => ({ ok: true, json: async () =>
	url.startsWith('https://w3id.org/ro/crate/') ? context : { name: url, '@context': {} } });
const { Validator } = require('ro-crate/lib/validator');
(async () => {
	const dir = process.argv[2], v = new Validator();
	v.parseJSON(fs.readFileSync(path.join(dir, 'ro-crate-metadata.json'), 'utf8'));
	await v.crate.resolveContext();
	await v.validate();
	v.checkFiles(Object.fromEntries(fs.readdirSync(dir, { recursive: true })
		.filter((f) => fs.lstatSync(path.join(dir, f)).isFile())
		.map((f) => [f, { exists: true, inCrate: false, isDir: false }])));
	const count = {};
	for (const r of v.results) {
		count[r.status] = (count[r.status] || 0) + 1;
		if (r.status === 'error' || r.status === 'warning') console.log(r.status, r.id, r.message);
	}
	console.log(JSON.stringify(count));
	process.exit(count.success && !count.error && !count.warning ? 0 : 1);
})();
