"""Secrets come from the environment, and stand in no result."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from own_folder import write_service

from harness.errors import UsageError
from harness.plan.own import find_own
from harness.plan.own_profiles import find_own_profiles
from harness.record.measurement import Missing
from harness.record.plan import Trial
from harness.record.trial_result import TrialResult
from harness.run.secrets import secrets_of, without_secrets

SET = {"PAYMENT_KEY": "pay/key+1", "CHECKOUT_TOKEN": "s3cret-token", "HOME": "/root"}


def test_only_what_is_asked_for_is_taken(tmp_path: Path) -> None:
    write_service(tmp_path)
    targets = find_own((str(tmp_path),), ())
    profiles = find_own_profiles(targets, ())
    assert secrets_of(targets, profiles, SET) == {"PAYMENT_KEY": "pay/key+1", "CHECKOUT_TOKEN": "s3cret-token"}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PAYMENT_KEY", "", "service.toml: secrets: PAYMENT_KEY is not set"),
        ("CHECKOUT_TOKEN", "", "loadtests/checkout.toml: ${..}: CHECKOUT_TOKEN is not set"),
        ("PAYMENT_KEY", "abc", "service.toml: secrets: PAYMENT_KEY has fewer than 6 letters: so "
         "short a text can't be kept out of the record"),
    ],
)  # fmt: skip
def test_a_secret_that_is_not_set_is_one_sentence(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    folder = write_service(tmp_path)
    targets = find_own((str(tmp_path),), ())
    with pytest.raises(UsageError) as error:
        secrets_of(targets, find_own_profiles(targets, ()), {**SET, name: value})
    assert str(error.value) == f"{folder}/{sentence}"


def test_a_secret_that_a_service_prints_does_not_reach_its_result() -> None:
    words = "no cart for pay/key+1 (pay%2Fkey%2B1)"
    result = TrialResult(
        Trial("001", 1, "checkout", "checkout"), "", 1.0, "failed", (words,), "load", {"service": words}, Missing(words)
    )
    hidden = without_secrets(result, {"PAYMENT_KEY": "pay/key+1"})
    assert hidden.problems == ("no cart for (secret) ((secret))",)
    assert b"key" not in msgspec.json.encode(hidden)
    assert without_secrets(result, {}) is result
