"""Accounts: create, change role, reset password, enable, disable. One admin always remains."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_http_methods, require_POST

from storage.errors import Conflict
from web.auth import role_of, role_required
from web.errors import NotValid
from web.htmx import render_page, see_other
from web.login import locked_names, unlock_account
from web.roles import Role

PASSWORD_LENGTH = 16


class LastAdmin(Conflict):
    """Admins cannot change their own rights, and one active admin has to remain."""

    code = "last_admin"


class AccountForm(forms.Form):
    """The username and the role of a new account."""

    name = UsernameField(max_length=150, label="Username", validators=[UnicodeUsernameValidator()])
    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role], label="Role")

    def clean_name(self) -> str:
        """Return the username; reject one that is taken, regardless of case and letter width."""
        name = str(self.cleaned_data["name"])
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(f"{name} is taken.")
        return name


@dataclass(frozen=True)
class Line:
    """An account with its role."""

    user: User
    role: Role | None
    is_locked: bool  # for an address with too many wrong passwords


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMIN)
def accounts(request: HttpRequest) -> HttpResponse:
    """List the accounts; create one and show its password once."""
    form = AccountForm(request.POST if request.method == "POST" else None)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        password = _create_account(form)
        if password:
            context = {
                "form": AccountForm(),
                "made": form.cleaned_data["name"],
                "secret": password,
            }
    return _page(request, context, status=422 if form.errors else 200)


@require_POST
@role_required(Role.ADMIN)
def account_change(request: HttpRequest, account_id: int) -> HttpResponse:
    """Change the role or the password of an account, unlock, enable or disable it."""
    user = get_object_or_404(User, pk=account_id)
    change = request.POST.get("change", "")
    if change == "password":
        password = _renew_password(request, user)
        made = {"form": AccountForm(), "made": user.get_username(), "secret": password}
        return _page(request, made)
    if change == "unlock":
        unlock_account(user.get_username())
        messages.success(request, f"{user.get_username()} can log in from every address again.")
        return see_other(reverse("accounts"))
    with transaction.atomic():
        _lock_admins()
        _change_rights(user, change, request.POST.get("role", ""))
        if user.pk == request.user.pk or not _active_admins():
            raise LastAdmin("You cannot change your own rights; another admin can.")
    messages.success(request, f"{user.get_username()} was changed.")
    return see_other(reverse("accounts"))


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    """Render all accounts; a new password is shown only once and not stored."""
    locked = locked_names()
    context["lines"] = [
        Line(user, role_of(user), user.get_username() in locked)
        for user in User.objects.order_by("username")
    ]
    context["roles"] = [role.value for role in Role]
    response = render_page(request, "faceadmin/accounts.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _create_account(form: AccountForm) -> str:
    """Create an account and return its password; "" if another admin took the name first."""
    name, password = form.cleaned_data["name"], get_random_string(PASSWORD_LENGTH)
    try:
        with transaction.atomic():
            user = User.objects.create_user(name, password=password)
            _assign_role(user, Role(form.cleaned_data["role"]))
    except IntegrityError:
        form.add_error("name", f"{name} is taken.")
        return ""
    return password


def _renew_password(request: HttpRequest, user: User) -> str:
    """Set and return a new password; ends the account's sessions except the current one."""
    password = get_random_string(PASSWORD_LENGTH)
    user.set_password(password)
    user.save(update_fields=["password"])
    unlock_account(user.get_username())
    if user.pk == request.user.pk:
        update_session_auth_hash(request, user)
    return password


def _change_rights(user: User, change: str, role: str) -> None:
    """Change the role of an account, enable or disable it."""
    if change == "role":
        _assign_role(user, _find_role(role))
    elif change in ("activate", "deactivate"):
        user.is_active = change == "activate"
        user.save(update_fields=["is_active"])
    else:
        raise NotValid({"change": ["There is no such change."]})


def _find_role(asked: str) -> Role:
    if asked not in list(Role):
        raise NotValid({"role": ["There is no such role."]})
    return Role(asked)


def _assign_role(user: User, role: Role) -> None:
    user.groups.set([Group.objects.get_or_create(name=role.value)[0]])
    user.is_superuser = role == Role.ADMIN
    user.save(update_fields=["is_superuser"])


def _lock_admins() -> None:
    """Serialise changes of rights, so that two admins cannot revoke each other's at once."""
    Group.objects.select_for_update().get_or_create(name=Role.ADMIN.value)


def _active_admins() -> bool:
    """Say whether an active admin is left."""
    active = User.objects.filter(is_active=True)
    return any(role_of(user) == Role.ADMIN for user in active)
