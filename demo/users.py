"""Makes the demo's three users, with the same names and portraits on every machine."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from faker import Faker

from accounts.keys import issue_key
from accounts.models import ApiKey, User
from avatars.references import Stores
from avatars.services import adopt_picture
from demo.portraits import portrait

SEED = 2003
USERS = 3
KEY_NAME = "printed by make run"
PASSWORD = "demo-password"  # noqa: S105 (printed at every start, for a site only this machine sees)


@dataclass(frozen=True)
class DemoUser:
    """A user of the demo, and whether this run made the account or the picture."""

    user: User
    made_account: bool
    made_picture: bool


def seed_demo(*, stores: Stores) -> list[DemoUser]:
    """Return the three demo users; make the accounts and pictures that are missing."""
    return [_seed(number, stores=stores) for number in range(USERS)]


def _seed(number: int, *, stores: Stores) -> DemoUser:
    fake = Faker("en_US")
    fake.seed_instance(SEED + number)
    first, last = fake.first_name(), fake.last_name()
    user, is_new = User.objects.get_or_create(
        username=first.lower(), defaults={"first_name": first, "last_name": last}
    )
    if is_new:
        # The first one can use the admin.
        user.is_staff = user.is_superuser = number == 0
        user.set_password(PASSWORD)
        user.save()
    owner_id = str(user.pk)
    missing = stores.references.read(owner_id).live_key is None
    if missing:
        adopt_picture(owner_id=owner_id, body=portrait(number), stores=stores)
    return DemoUser(user, is_new, missing)


def administrators_key() -> str:
    """Return a fresh API key of the demo's administrator; the one before opens nothing more."""
    owner = User.objects.order_by("-is_superuser", "date_joined")[0]
    ApiKey.objects.filter(owner=owner, name=KEY_NAME).delete()
    expires_at = timezone.now() + timedelta(days=1)
    return issue_key(owner=owner, name=KEY_NAME, scopes=ApiKey.SCOPES, expires_at=expires_at)[1]
