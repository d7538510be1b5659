"""The gate of action.yml, also for other CI systems: run a model, compare it, and write a summary in Markdown.

Needs Python 3.11 and ``fvp-tui`` on the PATH, and nothing else. Settings are environment variables:

GATE_MODEL           the model
GATE_OPTIONS         more options of ``fvp-tui run``, as in a shell
GATE_LIMITS          limits, such as ``--max-npu-cycles 900000``: options for the model alone
GATE_BASELINE_MODEL  the model to compare with, run with the options but not the limits: the file of the base branch
GATE_BASELINE_RUN    a run to compare with, in its place
GATE_PROFILE         a TOML file with how much worse figures may get
GATE_REPORTS         a folder for report.html, junit.xml and comparison.md
GATE_COMMENT         ``true``: comment the summary on the pull request; takes ``gh`` and GH_TOKEN

GitHub's own GITHUB_STEP_SUMMARY, GITHUB_OUTPUT, GITHUB_EVENT_PATH and GITHUB_REPOSITORY are used where they are set.
Exit status: that of the run if it is not 0, else that of the comparison. A comment that cannot be posted changes
nothing.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "<!-- fvp-tui gate -->"
"""First line of the comment, by which the next one finds it."""
LIMIT = 3
USAGE = 2
LONGEST = 60_000
"""Characters of a comment; GitHub takes 65,536."""


@dataclass(frozen=True)
class Ran:
    """A run: its exit status, its id, empty where there is none, and the error that it ended with."""

    status: int
    id: str
    error: str


def setting(name: str) -> str:
    """A setting; empty where it is not set."""
    return os.environ.get(f"GATE_{name}", "").strip()


def fvp_tui(*arguments: str, quiet: bool = False) -> "subprocess.CompletedProcess[str]":
    """Call fvp-tui, and pass on what it says while it works."""
    error = subprocess.PIPE if quiet else None
    return subprocess.run(
        ["fvp-tui", *arguments], stdout=subprocess.PIPE, stderr=error, encoding="utf-8", errors="replace", check=False
    )


def run(model: str, options: Sequence[str]) -> Ran:
    """Run a model."""
    print(f"running {model}", file=sys.stderr)
    done = fvp_tui("run", model, *options, "--json")
    try:
        found = json.loads(done.stdout)["run"]
        return Ran(done.returncode, str(found["id"]), str(found.get("reason") or ""))
    except (ValueError, KeyError, TypeError):
        return Ran(done.returncode or 1, "", "fvp-tui did not begin the run; its log says why")


def fenced(text: str) -> str:
    """Text as a block of code, whatever is in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text.strip()}\n{fence}"


def summary(model: str, ran: Ran, comparison: str, note: str) -> str:
    """The summary: the verdict, the comparison, and the run as text."""
    verdicts = {0: "✅ passed", LIMIT: "❌ a limit was exceeded"}
    verdict = verdicts.get(ran.status, f"❌ failed (exit status {ran.status})")
    text = fvp_tui("show", ran.id, quiet=True).stdout if ran.id else ran.error
    title = model.replace("`", "'").replace("\n", " ")
    parts = [f"## fvp-tui: `{title}` {verdict}", comparison.strip(), note]
    if ran.status and ran.error:
        parts.append(fenced(ran.error))
    details = f"<details><summary>the run</summary>\n\n{fenced(text)}\n\n</details>"
    return "\n\n".join([part for part in parts if part] + [details]) + "\n"


def compared(baseline: Ran, ran: Ran) -> tuple[int, str, str]:
    """Exit status of the comparison, its Markdown, and a note in its place."""
    if baseline.status:
        return 1, "", f"❔ not compared: the baseline failed, exit status {baseline.status}"
    if ran.status:
        return 0, "", "❔ not compared: the run did not end well"
    profile = setting("PROFILE")
    arguments = ["compare", baseline.id, ran.id, "--format", "markdown", *(["--profile", profile] if profile else [])]
    done = fvp_tui(*arguments, quiet=True)
    if not done.stdout:
        sys.stderr.write(done.stderr)
        return done.returncode or 1, "", f"❔ not compared:\n\n{fenced(done.stderr)}"
    return done.returncode, done.stdout, ""


def reports(folder: Path, ran: Ran, comparison: str) -> None:
    """Write what a job keeps."""
    folder.mkdir(parents=True, exist_ok=True)
    if comparison:
        (folder / "comparison.md").write_text(comparison, encoding="utf-8")
    for form, name in (("html", "report.html"), ("junit", "junit.xml")) if ran.id else ():
        fvp_tui("export", ran.id, "--format", form, "-o", str(folder / name), quiet=True)


def append(variable: str, text: str) -> None:
    """Append to a file that GitHub names; nothing elsewhere."""
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def pull_request() -> int | None:
    """The number of the pull request that this is for; None where it is for none."""
    try:
        event = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def warn(why: str) -> None:
    """Tell why there is no comment, as a warning of the job."""
    text = " ".join(why.split()).replace("%", "%25")
    print(f"::warning title=fvp-tui::no comment on the pull request: {text}")


def gh(*arguments: str, body: str | None = None) -> str:
    """Call gh.

    Raises:
        OSError: it failed, with what it said.
    """
    done = subprocess.run(
        ["gh", *arguments], input=body, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        raise OSError(done.stderr.strip() or f"gh ended with exit status {done.returncode}")
    return done.stdout


def comment(text: str) -> None:
    """Comment on the pull request, in the place of the comment that an earlier gate has left."""
    number, repository = pull_request(), os.environ.get("GITHUB_REPOSITORY", "")
    if number is None or not repository:
        return warn("this is not the event of a pull request")
    if not os.environ.get("GH_TOKEN") or shutil.which("gh") is None:
        return warn("it takes gh and a token")
    cut = text if len(text) <= LONGEST else text[: text.rfind("<details>", 0, LONGEST)] + "\n(the rest is too long)\n"
    body = json.dumps({"body": f"{MARK}\n{cut}"})
    comments = f"repos/{repository}/issues/{number}/comments"
    mine = f'.[] | select(.body | startswith("{MARK}")) | .id'
    try:
        known = gh("api", "--paginate", comments, "--jq", mine).split()
        if known:
            gh("api", "--method", "PATCH", f"repos/{repository}/issues/comments/{known[0]}", "--input", "-", body=body)
        else:
            gh("api", "--method", "POST", comments, "--input", "-", body=body)
    except OSError as error:
        warn(str(error))
    return None


def main() -> int:
    """Run the gate."""
    model = setting("MODEL")
    if not model:
        print("gate: GATE_MODEL names no model", file=sys.stderr)
        return USAGE
    try:
        options, limits = (shlex.split(setting(name)) for name in ("OPTIONS", "LIMITS"))
    except ValueError as error:
        print(f"gate: GATE_OPTIONS or GATE_LIMITS: {error}", file=sys.stderr)
        return USAGE
    if shutil.which("fvp-tui") is None:
        print("gate: there is no fvp-tui on the PATH (pip install 'fvp-tui[compile]')", file=sys.stderr)
        return USAGE
    before, known = setting("BASELINE_MODEL"), setting("BASELINE_RUN")
    baseline = run(before, options) if before else Ran(0, " ".join(known.split()), "") if known else None
    ran = run(model, [*options, *limits])
    status, comparison, note = compared(baseline, ran) if baseline is not None else (0, "", "")
    text = summary(model, ran, comparison, note)
    print(text)
    append("GITHUB_STEP_SUMMARY", text)
    if folder := setting("REPORTS"):
        reports(Path(folder), ran, comparison)
    exit_status = ran.status or status
    append("GITHUB_OUTPUT", f"run={ran.id}\nstatus={exit_status}\nbaseline={baseline.id if baseline else ''}\n")
    if setting("COMMENT") == "true":
        comment(text)
    return exit_status


if __name__ == "__main__":
    sys.exit(main())
