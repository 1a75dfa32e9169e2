"""Store the keys of repeated requests as keyed hashes, as new requests do."""

from django.db import migrations
from django.utils.crypto import salted_hmac


def hash_keys(apps, schema_editor):
    """Replace each key that a client sent by its hash; every row is from before the hashes."""
    requests = apps.get_model("web", "IdempotentRequest").objects
    for pk, key in requests.values_list("pk", "key").iterator():
        hashed = salted_hmac("web.idempotency", key, algorithm="sha256").hexdigest()
        requests.filter(pk=pk).update(key=hashed)


class Migration(migrations.Migration):
    dependencies = [("web", "0002_idempotentrequest")]

    operations = [migrations.RunPython(hash_keys, migrations.RunPython.noop, elidable=True)]
