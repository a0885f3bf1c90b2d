/* SPDX-License-Identifier: Apache-2.0 */
/* The style of the report's page: no scripts, no outside files, light and dark
 * by what the reader's system prefers. */
#ifndef AX_REPORT_PAGE_H
#define AX_REPORT_PAGE_H

static const char page_style[] =
	":root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--ink:#1d2327;--soft:#5d6870;--line:#dfe3e6;"
	"--good:#1a7f4b;--bad:#c0392b;--warn:#a8640a;--bar:#2f7fb8;--old:#9db7c9}"
	"@media(prefers-color-scheme:dark){:root{--bg:#14181b;--card:#1c2226;--ink:#e6eaed;--soft:#9aa6ae;"
	"--line:#333c42;--good:#4fc98a;--bad:#ff7b6b;--warn:#e5a64b;--bar:#5aa9e0;--old:#4d6473}}"
	"*{box-sizing:border-box}html{scroll-behavior:smooth}"
	"body{margin:0 auto;max-width:1120px;padding:2rem 1.2rem 4rem;background:var(--bg);color:var(--ink);"
	"font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}"
	"h1{font-size:1.7rem;margin:0}h2{font-size:1.2rem;margin:2.4rem 0 .7rem}h3{font-size:1rem;margin:0 0 .5rem}"
	"a{color:inherit}nav{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.9rem 0;color:var(--soft)}"
	".lead{color:var(--soft);max-width:46rem}.tiles{display:flex;flex-wrap:wrap;gap:.7rem;margin:1.1rem 0}"
	".tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.55rem .95rem}"
	".tile b{display:block;font-size:1.25rem}.tile span{color:var(--soft);font-size:.85rem}"
	".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;overflow-x:auto}"
	".figures{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr))}"
	"figure{margin:0}figcaption{font-weight:600;margin-bottom:.4rem}figure svg{width:100%;height:auto}"
	".card>svg{max-width:100%;height:auto;display:block;margin:auto}"
	"table{border-collapse:collapse;width:100%;font-size:.86rem}th,td{padding:.28rem .6rem;text-align:left;"
	"border-bottom:1px solid var(--line);vertical-align:top;max-width:22rem}th{color:var(--soft);font-weight:600}"
	"td.n,th.n{text-align:right}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}"
	"code,.hex{font:.82rem ui-monospace,'DejaVu Sans Mono',monospace;overflow-wrap:anywhere}"
	".holds,.good{color:var(--good)}.fails,.failed,.bad{color:var(--bad)}.missing,.open{color:var(--warn)}"
	".verdict{font-weight:600}details{margin:.5rem 0}summary{cursor:pointer}"
	"svg text{fill:currentColor}.rule{stroke:var(--line);fill:none}.tick{font:10px sans-serif;opacity:.7}"
	".name{font:11px sans-serif;text-anchor:end}.done{fill:var(--bar)}.hit{fill:var(--old)}"
	"svg .good path,svg .good polygon{stroke:var(--good)}svg .bad path{stroke:var(--bad)}"
	"svg .open path{stroke:var(--warn)}svg .input ellipse{stroke:var(--soft);stroke-dasharray:3 2}"
	"svg .edge path{stroke:var(--soft)}svg .edge polygon{stroke:var(--soft);fill:var(--soft)}"
	"pre{white-space:pre-wrap;font-size:.8rem}@media print{nav{display:none}.card{break-inside:avoid}}";

#endif
