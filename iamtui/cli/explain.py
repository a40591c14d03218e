"""`iamtui explain`: AccessDenied messages and CloudTrail records, compared with what the account says."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.input import opened, opened_as_it_comes
from iamtui.cli.opening import open_workspace
from iamtui.cli.output import Exit, JsonRecords, Output, Span, Style, note, stdout
from iamtui.cli.render import verdict_style, write_suggestions
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.denials.denial import Denial, Findings
from iamtui.denials.reader import denials_as_they_come, find_denials, read_log
from iamtui.engine.words.decision_json import decision_to_json
from iamtui.engine.words.explanation import explanation_to_json
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.denial_comparison import Agreement, claim_words
from iamtui.workspace.ask.denials import ExplainedDenial, explain_denials

_LABEL: Final = 12
_INDENT: Final = 2
_NOTHING: Final = (
    "Give an AccessDenied message as a tool printed it, a log that contains some, or CloudTrail records as JSON."
)
_MARKS: Final = {
    Agreement.AGREES: ("[=]", Style.GOOD),
    Agreement.NOT_ASKED: ("[?]", Style.OPEN),
    Agreement.DEPENDS: ("[?]", Style.OPEN),
    Agreement.NOT_LOADED: ("[?]", Style.OPEN),
}
_DIFFERS: Final = ("[!]", Style.BAD)


@command(epilog="Exit codes: 0 explained, 3 only in part, 2 an error.")
@click.argument("words", nargs=-1, metavar="[FILE|TEXT]")
@click.option("--as", "caller", metavar="PRINCIPAL", help="The caller, where a message does not name one.")
@click.option("--decode", is_flag=True, help="Decode encoded authorization messages with a call to STS.")
@click.option(
    "--strict", is_flag=True, help="Treat condition keys that are not known as absent, unless AWS always sends them."
)
@output_options("text", "json", "jsonl")
@source_options
def explain(
    words: tuple[str, ...], caller: str | None, decode: bool, strict: bool, form: str, source: SourceOptions
) -> Exit:
    """Explain why a request was denied, from AccessDenied messages and CloudTrail records.

    The argument is a file (- for standard input; .gz is unpacked) or the text itself. For every denial, iamtui says
    what was requested, what AWS said, what the account says, which statement decided, and what would help. Of several
    denials, the worst decides the exit code.
    """
    with ExitStack() as open_files:
        parts = iter(_findings(words, open_files))
        findings = next(parts)
        if not findings.denials:
            # A single word is meant as a file rather than as a message.
            is_word = len(words) == 1 and len(words[0].split()) == 1 and words[0] != "-" and not _is_file(words[0])
            missing = f", and there is no file {safe_text(words[0], limit=256)}" if is_word else ""
            raise Problem(f"No denial was found in the text{missing}.", " ".join((*findings.notes, _NOTHING)))
        workspace = open_workspace(source, several=True)
        counts: dict[tuple[object, ...], int] = {}

        def new_denials() -> Iterator[Denial]:
            nonlocal findings
            for following in chain((findings,), parts):
                findings = following
                for denial in following.denials:
                    if denial.same_request not in counts:
                        counts[denial.same_request] = denial.count
                        yield denial

        out = stdout()
        array = JsonRecords(out, lines=form == "jsonl") if form in ("json", "jsonl") else None
        settled = True
        explained = explain_denials(workspace, new_denials(), decode=decode, caller=caller or "", strict=strict)
        for number, one in enumerate(explained):
            settled &= one.explained
            if array is not None:
                array.add(explained_to_json(one))
                continue
            if number:
                out.blank()
            _write(out, one, decode=decode)
            out.flush()
        if array is not None:
            array.end()
    for denial in findings.denials:
        if denial.count > counts[denial.same_request]:
            note(f"{_title(denial)} in line {denial.place.line:,} came {denial.count:,} times in all.")
    _say_what_was_left_out(findings)
    return Exit.OK if settled and not findings.left_out and not findings.notes else Exit.OPEN


def _findings(words: tuple[str, ...], open_files: ExitStack) -> Iterable[Findings]:
    """Findings in the argument: standard input as it comes, everything else at once."""
    if not "".join(words).strip():
        raise Problem("Nothing to explain was given.", "Give a file, - for standard input, or the message in quotes.")
    if words == ("-",):
        return denials_as_they_come(*open_files.enter_context(opened_as_it_comes("log")))
    if len(words) == 1 and _is_file(words[0]):
        with opened(words[0], "log") as file:
            return [read_log(file).findings]
    if len(words) == 1 and _looks_like_a_path(words[0]):
        raise Problem(f"The file {words[0]} does not exist.", "Check the path, or give the message in quotes.")
    return [find_denials(" ".join(words))]


def _is_file(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError) as error:
        # A message is longer than a path may be.
        if isinstance(error, OSError) and error.errno not in (errno.ENAMETOOLONG, errno.EINVAL):
            raise Problem(f"{word} cannot be read: {error.strerror}.", "Check the path.") from None
        return False


def _looks_like_a_path(word: str) -> bool:
    bare = not any(character.isspace() for character in word)
    return bare and word.lower().endswith((".json", ".jsonl", ".log", ".txt", ".gz", ".out", ".err"))


def _say_what_was_left_out(findings: Findings) -> None:
    for sentence in findings.notes:
        note(sentence)
    if findings.not_denied:
        records = "1 record that was" if findings.not_denied == 1 else f"{findings.not_denied:,} records that were"
        note(f"Skipped {records} not denied.")
    if findings.left_out:
        note(f"Left out: {counted(findings.left_out, 'more denial')}; give a part of the log.")


# Text


def _title(denial: Denial) -> str:
    return denial.action or denial.operation or denial.code or "a denial"


def _write(out: Output, one: ExplainedDenial, *, decode: bool) -> None:
    denial = one.denial
    where = f"record {denial.place.record}" if denial.place.record is not None else f"line {denial.place.line}"
    times = f", {denial.count} times" if denial.count > 1 else ""
    out.line(Span(_title(denial), Style.STRONG), Span(f"  ({where}{times})", Style.QUIET))
    _labelled(out, "caller", denial.caller or "not given")
    resource = one.question.resource if one.question is not None else ""
    _labelled(out, "resource", denial.resource_words)
    if denial.resource and resource not in (denial.resource, "*", ""):
        _labelled(out, "", f"asked about as {resource}")
    called = ", ".join(
        part
        for part in (
            f"call {denial.operation}" if denial.operation else "",
            denial.code,
            f"request {denial.request_id}" if denial.request_id else "",
        )
        if part
    )
    if called:
        _labelled(out, "from", called)
    _labelled(out, "AWS said", claim_words(denial))
    _write_answer(out, one)
    _write_comparison(out, one)
    if one.explanation is not None:
        write_suggestions(out, one.explanation, _labelled, _INDENT + _LABEL)
    _write_open(out, one, decode=decode)


def _write_answer(out: Output, one: ExplainedDenial) -> None:
    if one.decision is None or one.explanation is None:
        return
    words = verdict_words(one.decision)
    lead = (" " * _INDENT, f"{'account':<{_LABEL}}", Span(f"{words.mark} {words.word} ", verdict_style(one.decision)))
    width = _INDENT + _LABEL
    if words.rest:
        out.paragraph(words.rest, indent=width + len(f"{words.mark} {words.word} "), first=lead)
    else:
        out.line(*lead)
    out.paragraph(one.explanation.paragraph, indent=width)


def _write_comparison(out: Output, one: ExplainedDenial) -> None:
    mark, style = _MARKS.get(one.comparison.agreement, _DIFFERS)
    first, *others = one.comparison.sentences
    lead = (" " * _INDENT, f"{'compared':<{_LABEL}}", Span(f"{mark} ", style))
    out.paragraph(first, indent=_INDENT + _LABEL + 4, first=lead)
    for sentence in others:
        out.paragraph(sentence, indent=_INDENT + _LABEL + 4)


def _write_open(out: Output, one: ExplainedDenial, *, decode: bool) -> None:
    denial = one.denial
    sentences = [*one.open, *denial.unknown]
    if denial.encoded and not decode:
        sentences.append("--decode lets STS decode the encoded message.")
    if not denial.caller and one.comparison.agreement is Agreement.NOT_ASKED:
        sentences.append("--as PRINCIPAL says who called.")
    for number, sentence in enumerate(dict.fromkeys(sentences)):
        _labelled(out, "open" if number == 0 else "", sentence)
    told = [f"{key}={','.join(values)}" if values else f"{key} absent" for key, values in denial.context.items()]
    if told:
        _labelled(out, "context", "; ".join(told))
    for number, sentence in enumerate(dict.fromkeys(denial.notes)):
        _labelled(out, "note" if number == 0 else "", sentence)


def _labelled(out: Output, label: str, text: str) -> None:
    out.paragraph(text, indent=_INDENT + _LABEL, first=(" " * _INDENT + label,))


# JSON


def explained_to_json(one: ExplainedDenial) -> dict[str, Any]:
    denial = one.denial
    claim = denial.claim
    return {
        "found": {
            "form": denial.form.value,
            "line": denial.place.line,
            "offset": denial.place.offset,
            "record": denial.place.record,
            "count": denial.count,
            "denied": denial.denied,
        },
        "caller": denial.caller or None,
        "action": denial.action or None,
        "resource": denial.resource or None,
        "operation": denial.operation or None,
        "code": denial.code or None,
        "request_id": denial.request_id or None,
        "authorization_id": denial.authorization_id or None,
        "context": {key: list(values) for key, values in denial.context.items()},
        "aws": {
            "kind": claim.kind or None,
            "layers": [layer.value for layer in claim.layers],
            "words": claim.words or None,
            "policy": claim.policy or None,
            "encoded": bool(denial.encoded),
        },
        "decision": decision_to_json(one.decision) if one.decision is not None else None,
        "explanation": explanation_to_json(one.explanation) if one.explanation is not None else None,
        "agreement": one.comparison.agreement.value,
        "comparison": list(one.comparison.sentences),
        "explained": one.explained,
        "open": list(dict.fromkeys((*one.open, *denial.unknown))),
        "notes": list(denial.notes),
    }
