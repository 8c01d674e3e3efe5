"""The page for logging in: a form without a script, so that it works under the strictest policy."""

from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in to Postroom</title>
<main>
<h1>Log in to Postroom</h1>
{notice}
<form method="post" action="{action}">
<input type="hidden" name="next" value="{wanted}">
{field}
<button>Log in</button>
</form>
</main>
</html>
"""
_ASKED = """<p><label for="token">A token, as <code>postroom token</code> prints it</label></p>
<p><input id="token" name="token" type="password" autocomplete="off" required autofocus></p>"""
_CODE = """<p>This address logs in once.</p><input type="hidden" name="code" value="{code}">"""


def login_page(action: str, *, code: str = "", wanted: str = "/", error: str = "") -> str:
    """The page as HTML.

    Args:
        action: The path that the form is sent to.
        code: A one-time code, which takes the place of the field for a token.
        wanted: The path within the application where the login leads.
        error: What was wrong with the last try.
    """
    return _PAGE.format(
        action=escape(action),
        wanted=escape(wanted),
        field=_CODE.format(code=escape(code)) if code else _ASKED,
        notice=f'<p role="alert">{escape(error)}</p>' if error else "",
    )
