/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: vectors of RFC 8032 and of the DSSE specification, rubbish. */
#include <openssl/bn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/sign.h"
#include "tests/lib/tap.h"

/* A public key of DER bytes, as PEM. */
static struct ax_key *
from_der(const unsigned char *der, size_t n)
{
	struct ax_str pem = AX_STR_INIT;
	struct ax_key *k;

	ax_str_add(&pem, "-----BEGIN PUBLIC KEY-----\n");
	ax_base64(&pem, der, n);
	ax_str_add(&pem, "\n-----END PUBLIC KEY-----\n");
	k = ax_key_public(pem.buf, pem.len);
	ax_str_free(&pem);
	return k;
}

static void
unhex(unsigned char *out, const char *hex)
{
	for (unsigned v; *hex; hex += 2) {
		sscanf(hex, "%2x", &v);
		*out++ = (unsigned char)v;
	}
}

/* RFC 8032, 7.1, TEST 3. */
static void
ed25519(void)
{
	unsigned char der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	unsigned char message[2], sig[64];
	struct ax_key *k;

	unhex(der + 12, "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb91"
			"1548908025");
	unhex(message, "af82");
	unhex(sig,
	      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db"
	      "5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027be"
	      "ceea1ec40a");
	k = from_der(der, sizeof(der));
	ok(k, "the key of RFC 8032's third test");
	if (!k)
		return;
	ok(ax_sign_verify(k, message, 2, sig, 64), "its signature holds");
	for (int i = 0; i < 64; i++) {
		sig[i] ^= 1;
		if (ax_sign_verify(k, message, 2, sig, 64))
			ok(0, "with byte %d changed it must not", i);
		sig[i] ^= 1;
	}
	message[0] ^= 1;
	ok(!ax_sign_verify(k, message, 2, sig, 64), "nor for other bytes");
	ok(!ax_sign_verify(k, message, 2, sig, 63), "nor cut off");
	ax_key_free(k);
}

/* The test vector of the DSSE protocol, version 1.0.0. */
static void
dsse_vector(void)
{
	static const char envelope[] =
		"{\"payload\": \"aGVsbG8gd29ybGQ=\", \"payloadType\": "
		"\"http://example.com/HelloWorld\", \"signatures\": [{\"sig\": "
		"\"A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfU"
		"iHqJPcIAriEGAHTVeCUjW2JIZA==\"}]}";
	const char *type = "http://example.com/HelloWorld";
	unsigned char der[91], point[32];
	struct ax_str pae = AX_STR_INIT, body = AX_STR_INIT;
	json_t *o = json_loads(envelope, 0, NULL);
	BIGNUM *x = NULL, *y = NULL;
	struct ax_key *k;

	ax_dsse_pae(&pae, type, "hello world", 11);
	is_str(pae.buf,
	       "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
	       "PAE of the specification");
	/* SubjectPublicKeyInfo of an uncompressed point on P-256 */
	unhex(der, "3059301306072a8648ce3d020106082a8648ce3d03010703420004");
	BN_dec2bn(&x, "4695082086889915666293004768781858563284859149974458940"
		      "7958293238635476079160");
	BN_dec2bn(&y, "5640078356564379163099075877009565129882514886557779369"
		      "047442380624545832820");
	BN_bn2binpad(x, point, 32);
	memcpy(der + 27, point, 32);
	BN_bn2binpad(y, point, 32);
	memcpy(der + 59, point, 32);
	BN_free(x);
	BN_free(y);
	k = from_der(der, sizeof(der));
	ok(k, "the key of the specification");
	if (k) {
		is_int(ax_dsse_verify(o, type, k, &body), 1,
		       "its envelope verifies");
		is_str(body.buf, "hello world", "and holds what it should");
		is_int(ax_dsse_verify(o, "http://example.com/Other", k, &body),
		       -1, "not under another type");
		json_object_set_new(o, "payload",
				    json_string("aGVsbG8gd29ybGR="));
		is_int(ax_dsse_verify(o, type, k, &body), -1,
		       "a payload with bits left over is no base 64");
		json_object_set_new(o, "payload",
				    json_string("aGVsbG8gd29ybGU="));
		is_int(ax_dsse_verify(o, type, k, &body), 0,
		       "another payload was not signed");
	}
	ax_key_free(k);
	ax_str_free(&pae);
	ax_str_free(&body);
	json_decref(o);
}

static void
keys(const char *dir)
{
	char *path = ax_asprintf("%s/key", dir), *pub, hex[2][AX_HEX_LEN + 1];
	struct ax_str pem = AX_STR_INIT, body = AX_STR_INIT;
	struct ax_key *k = ax_key_new(), *again = NULL, *public;
	struct ax_err err = AX_ERR_INIT;
	struct ax_digest a, b;
	struct stat st;
	json_t *o;
	FILE *f;

	ok(k && ax_key_save(k, path, &err) == 0, "a new key is saved");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600,
	   "for nobody else to read");
	is_int(ax_key_save(k, path, &err), -1, "and never written over");
	is_int(ax_key_load(&again, path, true, &err), 0, "it loads");
	a = ax_key_id(k);
	b = ax_key_id(again);
	is_str(ax_hex(hex[0], &a), ax_hex(hex[1], &b), "as the same key");
	ax_key_pem(&pem, k);
	public = ax_key_public(pem.buf, pem.len);
	o = ax_dsse_sign("application/x", "body", 4, again, &err);
	is_int(ax_dsse_verify(o, "application/x", public, &body), 1,
	       "what it signs, its public key verifies");
	ax_key_free(k);
	k = ax_key_new();
	is_int(ax_dsse_verify(o, "application/x", k, &body), 0,
	       "another key does not");
	ok(ax_dsse_sign("application/x", "body", 4, public, &err) == NULL,
	   "a public key cannot sign");
	json_decref(o);
	ax_key_free(again);
	again = NULL;
	chmod(path, 0644);
	is_int(ax_key_load(&again, path, true, &err), -1,
	       "a private key that all can read is refused");
	is_int(err.exit, AX_EXIT_USAGE, "with exit code 2");
	pub = ax_asprintf("%s/pub", dir);
	f = fopen(pub, "w");
	fwrite(pem.buf, 1, pem.len, f);
	fclose(f);
	is_int(ax_key_load(&again, pub, true, &err), -1,
	       "a public key is no private one");
	is_int(ax_key_load(&again, pub, false, &err), 0,
	       "but it is a public one");
	ax_key_free(again);
	f = fopen(pub, "w");
	fwrite(pem.buf, 1, pem.len / 2, f);
	fclose(f);
	is_int(ax_key_load(&again, pub, false, &err), -1,
	       "half of one is none");
	unlink(path);
	unlink(pub);
	ax_key_free(k);
	ax_key_free(public);
	ax_str_free(&pem);
	ax_str_free(&body);
	free(path);
	free(pub);
}

static void
base64(void)
{
	static const char *const good[][2] = {{"", ""},
					      {"f", "Zg=="},
					      {"fo", "Zm8="},
					      {"foo", "Zm9v"},
					      {"foob", "Zm9vYg=="},
					      {"fooba", "Zm9vYmE="},
					      {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z",    "Zg=",  "Zh==", "Zm8_=",
					  "Z===", "Zm 9", "====", "Zg==Zg=="};
	struct ax_str s = AX_STR_INIT, back = AX_STR_INIT;

	for (size_t i = 0; i < AX_LEN(good); i++) {
		ax_str_clear(&s);
		ax_str_clear(&back);
		ax_base64(&s, good[i][0], strlen(good[i][0]));
		is_str(s.buf ? s.buf : "", good[i][1], "RFC 4648: \"%s\"",
		       good[i][0]);
		ok(ax_unbase64(&back, good[i][1]) == 0 &&
			   ax_streq(back.buf ? back.buf : "", good[i][0]),
		   "and back");
	}
	ax_str_clear(&back);
	ok(ax_unbase64(&back, "-_-_") == 0 && back.len == 3 &&
		   memcmp(back.buf, "\xfb\xff\xbf", 3) == 0,
	   "URL-safe base 64 is read too");
	for (size_t i = 0; i < AX_LEN(bad); i++) {
		ax_str_clear(&back);
		is_int(ax_unbase64(&back, bad[i]), -1, "\"%s\" is not", bad[i]);
	}
	ax_str_free(&s);
	ax_str_free(&back);
}

static void
rubbish(void)
{
	static const char *const texts[] = {
		"{}", "[]",
		"{\"payload\": 1, \"payloadType\": \"t\", \"signatures\": []}",
		"{\"payload\": \"\", \"payloadType\": \"t\", \"signatures\": "
		"7}",
		"{\"payload\": \"%\", \"payloadType\": \"t\", "
		"\"signatures\": []}"};
	struct ax_str body = AX_STR_INIT;
	struct ax_key *k = ax_key_new();
	json_t *o;

	for (size_t i = 0; i < AX_LEN(texts); i++) {
		o = json_loads(texts[i], 0, NULL);
		is_int(ax_dsse_verify(o, "t", k, &body), -1, "no envelope: %s",
		       texts[i]);
		json_decref(o);
	}
	o = json_loads("{\"payload\": \"\", \"payloadType\": \"t\", "
		       "\"signatures\": [1, {}, {\"sig\": \"!\"}, {\"sig\": "
		       "\"AAAA\"}]}",
		       0, NULL);
	is_int(ax_dsse_verify(o, "t", k, &body), 0, "signatures that are none");
	json_decref(o);
	ok(!ax_key_public("", 0) && !ax_key_public("-----BEGIN", 10),
	   "rubbish is no key");
	ax_key_free(k);
	ax_str_free(&body);
}

int
main(void)
{
	char dir[] = "/tmp/axpipe-sign.XXXXXX";

	ok(mkdtemp(dir), "a folder");
	ed25519();
	dsse_vector();
	keys(dir);
	base64();
	rubbish();
	rmdir(dir);
	return tap_done();
}
