"""Every form of the board is sent to a route that there is, and no route is left without one."""

from tests.board.forms import ELEMENT, OF_THE_ELEMENT, TEMPLATES, Action, actions, changing

_WITHOUT_FORMS = {
    "POST /board/failures/letters/{job_id}/check",  # changes nothing; it says what a form would
    "POST /api/dead-letters/replay",  # of programs and `postroom`; the board replays groups
    "POST /api/deploys",  # of pipelines
    "POST /rq/{path:path}",  # rq-dashboard, which has pages of its own
}


def test_each_form_is_found_with_the_route_that_it_is_sent_to() -> None:
    forms = {each.form for each in actions()} - {ELEMENT}
    files = {
        path.relative_to(TEMPLATES).as_posix()
        for path in TEMPLATES.rglob("*.html")
        if "data-method=" in path.read_text()
    }

    assert {each for each in forms if not each.endswith(", undone")} == files
    undone = {each.removesuffix(", undone") for each in forms - files}
    assert undone == {each for each in files if "data-undo=" in (TEMPLATES / each).read_text()}
    assert len(forms) > 20


def test_a_form_of_several_actions_is_found_with_each_of_them() -> None:
    routes = {each.route for each in actions() if each.form == "dialogs/job.html"}

    assert routes == {
        "POST /admin/jobs/retry/{queue}/{job_id}",
        *(
            f"POST /admin/jobs/{{queue}}/{{job_id}}/{each}"
            for each in ("promote", "cancel", "stop")
        ),
        "DELETE /admin/jobs/{queue}/{job_id}",
    }
    assert (
        Action("dialogs/mute.html, undone", "POST /api/failures/{fingerprint}/unmute") in actions()
    )


def test_each_route_that_changes_something_has_a_form_or_a_reason() -> None:
    sent = {each.route for each in actions()}
    routes = {each.name for each in changing()}

    assert routes - sent == _WITHOUT_FORMS
    script = (TEMPLATES.parent / "js" / "monitor-acts.js").read_text()
    for route in OF_THE_ELEMENT:
        assert f'method: "{route.split()[0]}"' in script
        assert route in routes
