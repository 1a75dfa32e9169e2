"""Pages of collections: list, runs and previews, skipped photos."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from clustering import selectors
from clustering.documents import Collection, Run
from clustering.errors import EmptyCollection, NotAPreview, RunActive
from clustering.forms import RunForm
from clustering.progress import run_progress
from clustering.services import (
    apply_run,
    cancel_run,
    delete_run,
    restart_with_removals,
    resume_run,
    start_run,
)
from clustering.unclustered import list_unclustered_folders
from storage.errors import NoSuchBucket
from storage.names import CollectionName
from web.auth import caller_name, role_required
from web.htmx import render_page, see_other
from web.pagination import decode_cursor, encode_cursor
from web.roles import Role

CLUSTERS_PER_PAGE = 60
FACES_PER_PAGE = 120
SKIPPED_PER_PAGE = 200
COVERS_PER_CARD = 3


@dataclass(frozen=True)
class CollectionCard:
    """A collection on the start page."""

    collection: Collection
    current: Run | None
    newest: Run | None
    covers: list[str]


@require_GET
@role_required(Role.VIEWER)
def collections(request: HttpRequest) -> HttpResponse:
    """List the collections and the folders without one, with the form that starts a run."""
    return render_page(request, "clustering/collections.html", _collections_context(RunForm()))


@require_POST
@role_required(Role.REVIEWER)
def run_start(request: HttpRequest) -> HttpResponse:
    """Start a run and redirect to its collection; answer 422 with the form on an error."""
    form = RunForm(request.POST)
    if form.is_valid():
        name = form.cleaned_data["collection"]
        try:
            start_run(name, parameters=form.parameters(), started_by=caller_name(request))
        except (EmptyCollection, NoSuchBucket, RunActive) as refusal:
            form.add_error("collection", str(refusal))
        else:
            return see_other(_collection_url(name.path))
    return render_page(
        request,
        "clustering/collections.html",
        _collections_context(form),
        fragment="clustering/_run_form.html",
        status=422,
    )


@require_GET
@role_required(Role.VIEWER)
def run_status(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show a run's progress; redirect to the collection when it has ended, which stops polling."""
    run = selectors.get_run(run_id)
    context = {"newest": run, "progress": run_progress(run)}
    if not run.is_active and request.htmx:
        return see_other(_collection_url(run.collection))
    return render(request, "clustering/_run_status.html", context)


@require_POST
@role_required(Role.REVIEWER)
def run_cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    """Request a run to stop."""
    run = cancel_run(selectors.get_run(run_id))
    messages.info(request, "Cancelling.")
    return see_other(_collection_url(run.collection))


@require_POST
@role_required(Role.REVIEWER)
def run_resume(request: HttpRequest, run_id: str) -> HttpResponse:
    """Resume a failed or cancelled run."""
    run = resume_run(selectors.get_run(run_id))
    return see_other(_collection_url(run.collection))


@require_POST
@role_required(Role.REVIEWER)
def run_allow_removals(request: HttpRequest, run_id: str) -> HttpResponse:
    """Start a run again that failed because many photos are missing, and let it remove them."""
    run = restart_with_removals(selectors.get_run(run_id), started_by=caller_name(request))
    messages.info(request, "A new run has started, which forgets the photos that are missing.")
    return see_other(_collection_url(run.collection))


@require_POST
@role_required(Role.REVIEWER)
def run_apply(request: HttpRequest, run_id: str) -> HttpResponse:
    """Make a preview the current run."""
    run = apply_run(selectors.get_run(run_id))
    messages.info(request, "The preview is being applied, with the decisions made meanwhile.")
    return see_other(_collection_url(run.collection))


@require_POST
@role_required(Role.REVIEWER)
def run_drop(request: HttpRequest, run_id: str) -> HttpResponse:
    """Delete a preview."""
    run = selectors.get_run(run_id)
    if not run.preview:
        raise NotAPreview("Only a preview can be discarded here.")
    delete_run(run)
    messages.info(request, "Preview discarded; nothing else changed.")
    return see_other(_collection_url(run.collection))


@require_GET
@role_required(Role.VIEWER)
def images_skipped(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """List the photos of a collection that could not be read, each with its reason."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    selectors.get_collection(name.path)
    after = decode_cursor(request.GET.get("cursor"), within=f"{name.path}\t")
    found = selectors.list_skipped_images(name.path, after=after, limit=SKIPPED_PER_PAGE + 1)
    images = found[:SKIPPED_PER_PAGE]
    more = encode_cursor(images[-1].skip_sort_key) if len(found) > SKIPPED_PER_PAGE else None
    return render_page(
        request, "clustering/images_skipped.html", {"name": name, "images": images, "next": more}
    )


def _collections_context(form: RunForm) -> dict[str, object]:
    """Return the template context of the start page."""
    return {
        "cards": _cards(),
        "waiting": list_unclustered_folders(),
        "form": form,
        "buckets_root": settings.BUCKETS_ROOT,
    }


def _cards() -> list[CollectionCard]:
    """Return the collections with their runs and the covers of their largest clusters."""
    cards = []
    for known in selectors.list_collections():
        current = selectors.find_run(known.current_run)
        covers: list[str] = []
        if current is not None:
            largest = selectors.list_clusters(current, limit=COVERS_PER_CARD)
            covers = [one.covers[0] for one in largest if one.covers]
        cards.append(CollectionCard(known, current, selectors.find_run(known.newest_run), covers))
    return cards


def _collection_url(path: str) -> str:
    name = CollectionName.parse(path)
    return reverse("collection", kwargs={"bucket": name.bucket, "sub": name.sub})
