"""The report's style sheet: light and dark by the reader's system, and for print."""

from pipelines.report.palette import (
    BACKGROUND,
    EMOTION_COLOURS,
    OUTCOME_COLOURS,
    PLAIN,
    Mode,
)

_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1400px;margin:0 auto;padding:28px 32px 48px}
h1{font-size:26px;line-height:1.25;margin:0 0 2px}
h2{font-size:17px;margin:0 0 2px}
p{margin:0 0 10px}
.about,.note{color:var(--soft)}
.note{font-size:13px}
.banner{background:var(--warn);color:var(--warn-ink);padding:10px 32px;font-weight:600}
.figures{display:grid;grid-template-columns:repeat(5,1fr);gap:12px;margin:20px 0}
.figure,section{border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.figure b{display:block;font-size:28px;line-height:1.2;font-weight:650}
.figure span{display:block}
.figure span{font-size:13.5px}
.figure .note{line-height:1.4;font-size:12.5px}
section{margin:0 0 16px;break-inside:avoid}
.pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:28px;align-items:start}
svg{display:block;width:100%;height:auto;font-size:13px;fill:var(--ink)}
svg .value{font-weight:600}
.plain{fill:var(--plain)}
.whisker{stroke:var(--ink);stroke-width:1.2;fill:none;opacity:.75}
.axis{stroke:var(--line);fill:none}
.mark{stroke:var(--ink);stroke-dasharray:3 3;fill:none}
.cut{stroke:var(--paper);stroke-width:1}
.thin{opacity:.5}
tr.thin{opacity:1;color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{padding:3px 8px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child,.words{text-align:left;white-space:normal}
th{color:var(--soft);font-weight:500}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:0 0 8px;padding:0;list-style:none;
font-size:13px}
.legend svg{display:inline-block;width:11px;height:11px;margin-right:6px;vertical-align:-1px}
.empty{color:var(--soft);padding:8px 0}
footer{color:var(--soft);font-size:13px;margin-top:20px}
@media (max-width:900px){.pair{grid-template-columns:1fr}
.figures{grid-template-columns:repeat(2,1fr)}
main{padding:20px 16px}}
@media print{main{max-width:none;padding:0}body{font-size:11pt}
.pair{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
_GREYS = {
    "light": "--ink:#1c1f26;--soft:#5c6370;--line:#dfe2e8;--warn:#fff1c9;--warn-ink:#5b4300;",
    "dark": "--ink:#eceef2;--soft:#a2a9b5;--line:#2d333d;--warn:#4a3a0c;--warn-ink:#ffe8a6;",
}


def style_sheet() -> str:
    """One set of variables per mode; paper is always light."""
    tinted = {**OUTCOME_COLOURS, **EMOTION_COLOURS}
    rules = "".join(f".{name}{{fill:var(--{name})}}" for name in tinted)
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables('dark')}}}}}"
    return f":root{{color-scheme:light dark;{_variables('light')}}}{dark}{_RULES}{rules}"


def _variables(mode: Mode) -> str:
    tinted = {**OUTCOME_COLOURS, **EMOTION_COLOURS, "plain": PLAIN, "paper": BACKGROUND}
    return _GREYS[mode] + "".join(f"--{name}:{c.on(mode)};" for name, c in tinted.items())
