"""The items of an ended job: a gallery or a table, one page at a time."""

import streamlit as st

from batchlight import Item, ItemState, Job, Page
from frontend import session
from frontend.errors import said
from frontend.messages import MEASURED, image_failure
from frontend.views.gallery import draw_gallery

GALLERY, TABLE = "Gallery", "Table"
PAGE_ITEMS = {GALLERY: 24, TABLE: 50}
PROBLEM, FAITHFULNESS = "Problem", "Faithfulness"
ROW_PX = 35
TRAIL = "trail"
"""Where this tab is among the pages of one list: the list, and the cursors that led to the page."""


@st.fragment
def draw_results(job: Job) -> None:
    with said():
        with st.container(horizontal=True, horizontal_alignment="distribute", key="results-bar"):
            look = _choice("Look", [GALLERY, TABLE], default=GALLERY)
            state = _choice("Show", _filters(job), default="All")
        wanted = {"Classified": ItemState.SUCCEEDED, "Failed": ItemState.FAILED}.get(state.split(" ")[0])
        place = f"{job.id}/{look}/{wanted}"
        trail = _trail(place)
        limit = PAGE_ITEMS[look]
        page = session.client().items_page(job.id, limit=limit, after=trail[-1], state=wanted)
        if look == GALLERY:
            draw_gallery(job.id, page.data)
        else:
            _draw_table(page.data)
        _draw_pager(page, place, trail, total=_total(job, wanted), limit=limit)


def _filters(job: Job) -> list[str]:
    """Only what there is; a job of one kind has nothing to choose."""
    kinds = {"Classified": job.counts.succeeded, "Failed": job.counts.failed}
    return ["All", *kinds] if all(kinds.values()) else ["All"]


def _total(job: Job, wanted: str | None) -> int:
    counts = job.counts
    by_state = {"succeeded": counts.succeeded, "failed": counts.failed}
    return by_state[wanted] if wanted else counts.succeeded + counts.failed


def _choice(label: str, options: list[str], *, default: str) -> str:
    return str(
        st.segmented_control(label, options, default=default, required=True, label_visibility="collapsed", key=label)
    )


def _trail(place: str) -> list[str | None]:
    """The cursors that led to the page this tab looks at, the first page's (None) first."""
    known_place, trail = st.session_state.get(TRAIL, (None, []))
    if known_place != place:
        trail = [None]
        st.session_state[TRAIL] = (place, trail)
    return list(trail)


def _go(place: str, trail: list[str | None]) -> None:
    st.session_state[TRAIL] = (place, trail)


def _draw_table(items: tuple[Item, ...]) -> None:
    columns = {
        "#": st.column_config.NumberColumn(width=50),
        "File": st.column_config.TextColumn(width="medium"),
        "Confidence": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
        FAITHFULNESS: st.column_config.NumberColumn(format="%+.2f", help=MEASURED),
    }
    empty = set[str]()
    if not any(item.error for item in items):
        empty.add(PROBLEM)
    if all(item.faithfulness is None for item in items):
        empty.add(FAITHFULNESS)
    rows = [{name: value for name, value in _row(item).items() if name not in empty} for item in items]
    st.dataframe(rows, hide_index=True, width="stretch", height=ROW_PX * (len(rows) + 1) + 3, column_config=columns)


def _row(item: Item) -> dict[str, str | int | float | None]:
    return {
        "#": item.index,
        "File": item.name,
        "Class": item.label or "",
        "Confidence": item.confidence,
        FAITHFULNESS: item.faithfulness,
        PROBLEM: image_failure(item.error.code, item.error.message) if item.error else "",
    }


def _draw_pager(page: Page[Item], place: str, trail: list[str | None], *, total: int, limit: int) -> None:
    if len(trail) == 1 and page.next is None:
        return
    first = (len(trail) - 1) * limit + 1
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", key="pager"):
        st.button(
            "Previous", icon=":material/chevron_left:", disabled=len(trail) == 1, on_click=_go, args=(place, trail[:-1])
        )
        st.markdown(f"{first:,}–{first + len(page.data) - 1:,} of {total:,}", width="content")
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=page.next is None,
            on_click=_go,
            args=(place, [*trail, page.next]),
        )
