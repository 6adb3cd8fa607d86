"""Why something could not be shown or done, in the reader's language (pure).

The details are English sentences of the API; their values are kept. One that is not known here stays as it is.
"""

from typing import Final

from services.console.core.condition_forms import Say
from services.console.core.known_details import Detail, DetailPattern, in_words
from services.console.core.letter_details import detail_words

_VALUE: Final = r"(?P<value>.*)"


def problem_words(detail: str, say: Say) -> Detail:
    """The detail of a problem as a sentence in the reader's language."""
    found = in_words(detail, detail, [*_missing(say), *_jobs(say), *_busy(say), *_rules(say), *_generations(say)])
    return detail_words(detail, say) if found.english else found


def _missing(say: Say) -> list[DetailPattern]:
    return [
        (r"There is no such customer\.", say("There is no such customer.")),
        (r"There is no such contact\.", say("There is no such contact.")),
        (r"There is no such event in this timeline\.", say("There is no such event in this conversation.")),
        (r"There is no such version of the policy\.", say("There is no such version of the rules.")),
        (r"There is no such segment\.", say("There is no such segment.")),
        (r"there is no such job|This job is no .+\.", say("There is no such job.")),
        (r"there is no such import", say("There is no such import.")),
        (r"there is no such erasure", say("There is no such erasure.")),
        (r"no name has a NUL character", say("Nothing has this name.")),
        (r"There is no such request.*", say("There is no such request, or it was closed already.")),
        (
            r"Several customers hold this value, .+",
            say("Several customers have this value. Look for it in the list, and open one of them."),
        ),
        (
            r"This cursor (was not given by a page: .+|is of a search with .+)",
            say("This page of the list is no longer there. Go back to the first one."),
        ),
        (
            r"More than (?P<most>[\d,]+) (events|member ids|contacts) .+",
            say("To show this day, more than %(most)s entries would have to be read. Choose an earlier day."),
        ),
    ]


def _jobs(say: Say) -> list[DetailPattern]:
    return [
        (
            r"(?P<most>\d+) jobs are not finished yet; .+",
            say("%(most)s jobs are not finished yet. Wait for them, or cancel some."),
        ),
        (
            r"files to import take \d+ bytes of \d+; the first of them goes at (?P<day>\S+)[T ].*",
            say("The files to import take all the room that there is. The first of them goes on %(day)s."),
        ),
        (
            r"the job is \w+ already, so there is nothing to cancel",
            say("The job has ended already, so there is nothing to cancel."),
        ),
        (
            r"an erasure goes on to its end, .+",
            say("An erasure goes on to its end, since half of it may be done."),
        ),
        (
            r"The job was undone already, .+",
            say("The job was undone already, or is being undone."),
        ),
        (r"The job has not ended yet; .+", say("The job has not ended yet. Wait for it, or cancel it.")),
        (r"the job could be undone until .+", say("A job can be undone for a day after it ended; that day is over.")),
        (r"The job is not done, so .+", say("The job is not done, so it has no file yet.")),
        (
            r"The job has no file, .+|This job is \w+, and has no file\.",
            say("The job has no file, or it is no longer kept. Have the job done again."),
        ),
    ]


def _busy(say: Say) -> list[DetailPattern]:
    return [
        (r"(?P<server>PostgreSQL|Kafka) is away", say("%(server)s can't be reached.")),
        (r"too much is in flight just now", say("Too much is sent at this moment.")),
        (r"Another preview is being made; .+", say("Another preview is being made. Try again in a few seconds.")),
        (
            r"The evidence is more than can be resolved here in time\.|More contacts stated these member ids than .+",
            say("So many contacts are connected with this that it can't be previewed here."),
        ),
        (r"Dead letters could not be read in time\. .+", say("The dead letters could not be read in time.")),
        (r"Many pages of this tenant are told of changes already\.", say("Many pages are open already.")),
        (r"This is no form\.", say("What was sent is no form of this page. Go back and try again.")),
    ]


def _rules(say: Say) -> list[DetailPattern]:
    """Of member ids that are merged, of policies, and of segments that a filter names."""
    return [
        (r"This is no policy\.", say("These are no rules. Go back to the form.")),
        (r"a member id can't become itself", say("A member ID can't become itself. Enter another one.")),
        (r"the member id is empty", say("Enter a member ID.")),
        (
            rf"the member id {_VALUE} is on the block list",
            say("The rules say that the member ID %(value)s belongs to nobody."),
        ),
        (rf"the member id {_VALUE} is not of the form scope:id", say("%(value)s can't be read as a member ID.")),
        (rf"there is no segment '{_VALUE}'", say("There is no segment %(value)s any more.")),
        (rf"the segment '{_VALUE}' contains itself: .+", say("The segment %(value)s contains itself.")),
        (
            rf"the segment '{_VALUE}' can't be read: .+",
            say("The filter of the segment %(value)s can't be read any more. Save the segment anew."),
        ),
        (
            r"with its segments the filter has more than (?P<most>\d+) (conditions|levels)",
            say("With its segments the filter has too many conditions, or too many within each other."),
        ),
    ]


def _generations(say: Say) -> list[DetailPattern]:
    name = r"(?P<name>\S+)"
    return [
        (r"The generations have changed meanwhile\. Try again\.", say("The generations have changed. Try again.")),
        (
            rf"{name} leaves a part of the log out on purpose, .+",
            say("%(name)s leaves out a part of the log on purpose, so it can't be the one that is read."),
        ),
        (
            rf"{name} is retired: .+",
            say("%(name)s gets no events any more. Start a rebuild for a new one."),
        ),
        (
            rf"{name} was made by another version of Onefold: .+",
            say("%(name)s was made by another version of Onefold. Use the command of that version."),
        ),
        (
            rf"{name} announces its changes to another topic .+",
            say("%(name)s announces its changes to another topic than the one that is read."),
        ),
        (
            rf"{name} was not compared with .+",
            say("%(name)s was not compared yet, or differs in what nobody accepted."),
        ),
        (rf"{name} is ahead of .+", say("%(name)s is ahead of the one that is read. Are its workers running?")),
        (
            rf"{name} is the active generation\. .+",
            say("%(name)s is the one that is read. Have another one read first."),
        ),
    ]
