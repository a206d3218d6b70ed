--- The style of a page without its colours, for screens of any width and for paper.

return [[
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
 font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,
 "DejaVu Sans",sans-serif}
main{max-width:1240px;margin:0 auto;padding:24px 20px 60px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:18px;margin:36px 0 12px;padding-top:12px;border-top:1px solid var(--grid)}
h3{font-size:14px;margin:0 0 6px}
p{margin:4px 0 12px;max-width:75ch}
.muted{color:var(--muted)}
nav{margin:12px 0 0;display:flex;flex-wrap:wrap;gap:4px 16px}
nav a{color:var(--s1)}
.tiles{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0 0}
.tile{background:var(--box);border-radius:8px;padding:10px 16px;min-width:130px}
.tile b{display:block;font-size:20px;line-height:1.3;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:13px}
.grid{display:grid;gap:16px 28px;align-items:start;
 grid-template-columns:repeat(auto-fill,minmax(min(100%,520px),1fr))}
.flow{display:flex;flex-wrap:wrap;gap:20px 36px;align-items:flex-start}
.wide{overflow-x:auto}
svg.braid{display:block;max-width:100%;height:auto}
.wide svg.braid{max-width:none}
.wide table{width:max-content}
table{border-collapse:collapse;font-size:14px}
th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--grid);vertical-align:top}
td{overflow-wrap:break-word;max-width:60ch}
th{font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(158px,1fr));gap:14px}
.card{background:var(--box);border-radius:8px;padding:8px;font-size:12.5px;line-height:1.35;
 break-inside:avoid}
.card img{display:block;width:100%;height:auto;border-radius:4px;margin-bottom:6px}
.card div{overflow-wrap:anywhere}
.right::before{content:"\2713\00a0";color:var(--s3)}
.wrong::before{content:"\2717\00a0";color:var(--s2)}
.wrong{font-weight:600}
pre{font:12px/1.4 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;
 overflow-x:auto}
details summary{cursor:pointer;color:var(--muted)}
@media print{body{font-size:11px}main{max-width:none;padding:0}nav{display:none}
 h2{break-after:avoid}svg.braid,.tile,tr{break-inside:avoid}
 .grid{grid-template-columns:1fr 1fr;gap:10px}.cards{grid-template-columns:repeat(6,1fr)}
 .wide{overflow:visible}.wide svg.braid{max-width:100%}.wide table{width:auto}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}]]
