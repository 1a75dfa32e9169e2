"""The page of a cluster."""

import re
from html import unescape

import pytest

from clustering.documents import Cluster, Member
from tests.review.pages import HTML, body_of, of, part

pytestmark = pytest.mark.services


def test_it_shows_faces_who_it_may_be_and_what_a_reviewer_can_do(matched, page_of):
    body = body_of(page_of("reviewer").get(of("cluster", matched, cluster_id=matched.ada)))

    assert body.count('type="checkbox" name="faces"') + body.count('name="faces"') >= 3
    assert "Who is this?" in body
    assert "Same person?" in body
    assert 'value="reject"' in body


def test_a_viewer_sees_faces_and_nothing_to_decide_with(matched, page_of):
    body = body_of(page_of("viewer").get(of("cluster", matched, cluster_id=matched.ada)))

    assert body.count("/crop/") >= 3
    assert 'type="checkbox"' not in body
    assert 'name="kind"' not in body


def test_the_least_typical_come_first_if_that_is_asked(matched, page_of):
    browser, address = page_of("viewer"), of("cluster", matched, cluster_id=matched.ada)

    typical, odd = (body_of(browser.get(address + query)) for query in ("", "?order=odd"))

    def faces(body):
        return [line.split('"')[0] for line in body.split('class="face" id="face-')[1:]]

    assert faces(odd) == faces(typical)[::-1]


def test_faces_come_by_the_day_of_their_photo_and_undated_ones_last(album, page_of, monkeypatch):
    monkeypatch.setattr("review.views.cluster.FACES_PER_PAGE", 2)
    for day, file in ((3, "a.png"), (9, "b.png"), (1, "c.png"), (0, "d.png"), (6, "e.png")):
        taken = f"2024:05:{day:02d} 10:00:00" if day else ""
        album.paint(file, 1, shade=day, taken=taken)
    album.run()
    browser = page_of("viewer")
    address = of("cluster", album, cluster_id="cluster_0")

    pages, query = [], "?order=newest"
    while query:
        body = body_of(browser.get(address + query))
        pages.append(re.findall(r'title="[^"]*/([a-e]\.png[^"]*)"', body))
        more = re.search(r'href="(\?cursor=[^"]*)"', body)
        query = unescape(more[1]) if more else ""

    assert pages == [
        ["b.png, 2024-05-09", "e.png, 2024-05-06"],
        ["a.png, 2024-05-03", "c.png, 2024-05-01"],
        ["d.png"],
    ]


def test_a_run_from_before_dates_were_kept_is_ordered_by_file(matched, page_of):
    Member._get_collection().update_many({}, {"$unset": {"taken": ""}})
    Cluster._get_collection().update_many({}, {"$unset": {"newest": ""}})
    browser = page_of("viewer")

    body = body_of(browser.get(of("cluster", matched, cluster_id=matched.ada), {"order": "newest"}))
    people = browser.get(of("collection", matched), {"order": "newest"})

    assert re.findall(r'title="[^"]*/(p[0-9])\.png"', body) == ["p2", "p1", "p0"]
    assert people.status_code == 200


def test_htmx_gets_the_faces_alone(matched, page_of):
    address = of("cluster", matched, cluster_id=matched.ada)

    body = body_of(page_of("viewer").get(address, headers=part("faces")))

    assert body.lstrip().startswith("<form")
    assert "<html" not in body


def test_an_earlier_run_is_shown_without_anything_to_decide(matched, page_of):
    earlier = matched.current.id
    matched.photos((9,), first=50)
    matched.run(full=True)

    body = body_of(
        page_of("reviewer").get(of("cluster", matched, cluster_id="cluster_0") + f"?run={earlier}")
    )

    assert "This is an earlier run." in body
    assert 'type="checkbox"' not in body


@pytest.mark.parametrize("query", ["?cursor=nonsense", "?cursor=YS9iCTE"])
def test_a_cursor_of_another_list_is_400(matched, page_of, query):
    address = of("cluster", matched, cluster_id=matched.ada)

    assert page_of("viewer").get(address + query, headers=HTML).status_code == 400


def test_a_cluster_that_is_not_there_is_a_page_that_says_so(matched, page_of):
    answer = page_of("viewer").get(of("cluster", matched, cluster_id="cluster_77"), headers=HTML)

    assert answer.status_code == 404
    assert "has no cluster cluster_77" in body_of(answer)


def test_strangers_log_in_first(matched, client, db):
    assert client.get(of("cluster", matched, cluster_id=matched.ada)).status_code == 302
