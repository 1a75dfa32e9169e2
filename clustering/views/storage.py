"""Pages of the consistency check of the stores, and their repair."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from clustering.outputs.storage import repair_sentences
from clustering.selectors import current_run, list_collections
from clustering.services import check_storage, repair_storage
from storage.names import CollectionName
from web.auth import role_required
from web.htmx import render_page, see_other
from web.roles import Role

READ_AGAIN = "reads their photos again"
REMOVED = "removes them"
RESTORED = "restores the face, or removes the member if the photo is gone"
REGROUPED = "lets the next run group anew"


@require_GET
@role_required(Role.ADMIN)
def storages(request: HttpRequest) -> HttpResponse:
    """List the collections whose stores can be compared."""
    known = [one for one in list_collections() if one.current_run]
    return render_page(request, "clustering/storages.html", {"collections": known})


@require_GET
@role_required(Role.ADMIN)
def storage(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Compare the stores of a collection."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    report = check_storage(current_run(name.path))
    rows = [
        ("Faces whose document is lost", len(report.faces_missing), READ_AGAIN),
        ("Photos whose document is lost", len(report.images_missing), "reads them again"),
        ("Faces without a vector", len(report.mongodb_only), READ_AGAIN),
        ("Faces without a crop", len(report.missing_crops), READ_AGAIN),
        ("Faces with a damaged crop", len(report.damaged_crops), READ_AGAIN),
        ("Members of clusters without a face", len(report.members_without_face), RESTORED),
        ("Faces that are in no cluster", len(report.faces_without_member), REGROUPED),
        ("Clusters that count or show wrong faces", len(report.wrong_clusters), "counts them anew"),
        ("Vectors without a photo", len(report.orphans), REMOVED),
        ("Vectors of another model", sum(map(len, report.wrong_model.values())), REMOVED),
        ("Vectors with the wrong cluster", len(report.wrong_cluster), "corrects the cluster"),
        ("Vectors of the wrong length", len(report.wrong_dimension), "not possible"),
    ]
    context = {"name": name, "report": report, "rows": rows}
    return render_page(request, "clustering/storage.html", context)


@require_POST
@role_required(Role.ADMIN)
def storage_repair(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Remove orphaned vectors and recompute missing data."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    done, report = repair_storage(current_run(name.path))
    tell = messages.success if report.is_consistent else messages.warning
    tell(request, " ".join(repair_sentences(done, report)))
    return see_other(reverse("storage", kwargs={"bucket": bucket, "sub": sub}))
