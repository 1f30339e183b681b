"""The results of an ended job: its items in a gallery or a table, page by page."""

import streamlit as st

from batchlight import Item, ItemState, Job, Page
from frontend import session
from frontend.errors import shown_errors
from frontend.messages import FAITHFULNESS_HELP, image_error_message
from frontend.views.gallery import draw_gallery

GALLERY, TABLE = "Gallery", "Table"
PAGE_ITEMS = {GALLERY: 24, TABLE: 50}
PROBLEM, FAITHFULNESS = "Problem", "Faithfulness"
ROW_HEIGHT_PX = 35
PAGE_CURSORS = "page-cursors"
"""The list that this tab pages through, and the cursors of its pages up to the shown one."""


@st.fragment
def draw_results(job: Job) -> None:
    with shown_errors():
        with st.container(horizontal=True, horizontal_alignment="distribute", key="results-bar"):
            layout = _choice("Layout", [GALLERY, TABLE], default=GALLERY)
            filter_name = _choice("Show", _filters(job), default="All")
        state = {"Classified": ItemState.SUCCEEDED, "Failed": ItemState.FAILED}.get(filter_name)
        list_id = f"{job.id}/{layout}/{state}"
        cursors = _cursors(list_id)
        limit = PAGE_ITEMS[layout]
        page = session.client().items_page(job.id, limit=limit, after=cursors[-1], state=state)
        if layout == GALLERY:
            draw_gallery(job.id, page.data)
        else:
            _draw_table(page.data)
        _draw_pager(page, list_id, cursors, total=_total(job, state), limit=limit)


def _filters(job: Job) -> list[str]:
    """The filters of which each selects some items but not all."""
    states = {"Classified": job.counts.succeeded, "Failed": job.counts.failed}
    return ["All", *states] if all(states.values()) else ["All"]


def _total(job: Job, state: ItemState | None) -> int:
    counts = job.counts
    by_state = {ItemState.SUCCEEDED: counts.succeeded, ItemState.FAILED: counts.failed}
    return by_state[state] if state else counts.succeeded + counts.failed


def _choice(label: str, options: list[str], *, default: str) -> str:
    return str(
        st.segmented_control(label, options, default=default, required=True, label_visibility="collapsed", key=label)
    )


def _cursors(list_id: str) -> list[str | None]:
    """The cursors of the pages up to the one that this tab shows; the first page's is None."""
    stored_id, cursors = st.session_state.get(PAGE_CURSORS, (None, []))
    if stored_id != list_id:
        cursors = [None]
        _show_page(list_id, cursors)
    return list(cursors)


def _show_page(list_id: str, cursors: list[str | None]) -> None:
    st.session_state[PAGE_CURSORS] = (list_id, cursors)


def _draw_table(items: tuple[Item, ...]) -> None:
    columns = {
        "#": st.column_config.NumberColumn(width=50),
        "File": st.column_config.TextColumn(width="medium"),
        "Confidence": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
        FAITHFULNESS: st.column_config.NumberColumn(format="%+.2f", help=FAITHFULNESS_HELP),
    }
    empty = set[str]()
    if not any(item.error for item in items):
        empty.add(PROBLEM)
    if all(item.faithfulness is None for item in items):
        empty.add(FAITHFULNESS)
    rows = [{name: value for name, value in _row(item).items() if name not in empty} for item in items]
    height_px = ROW_HEIGHT_PX * (len(rows) + 1) + 3
    st.dataframe(rows, hide_index=True, width="stretch", height=height_px, column_config=columns)


def _row(item: Item) -> dict[str, str | int | float | None]:
    return {
        "#": item.index,
        "File": item.name,
        "Class": item.label or "",
        "Confidence": item.confidence,
        FAITHFULNESS: item.faithfulness,
        PROBLEM: image_error_message(item.error.code, item.error.message) if item.error else "",
    }


def _draw_pager(page: Page[Item], list_id: str, cursors: list[str | None], *, total: int, limit: int) -> None:
    if len(cursors) == 1 and page.next is None:
        return
    first = (len(cursors) - 1) * limit + 1
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", key="pager"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            disabled=len(cursors) == 1,
            on_click=_show_page,
            args=(list_id, cursors[:-1]),
        )
        st.markdown(f"{first:,}–{first + len(page.data) - 1:,} of {total:,}", width="content")
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=page.next is None,
            on_click=_show_page,
            args=(list_id, [*cursors, page.next]),
        )
