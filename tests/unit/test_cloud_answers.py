"""What each refusal of a server means, looked at as a table."""

from __future__ import annotations

import pytest

from app import account_faults as faults
from app.cloud.answers import ANSWERS, Call, meaning, shown
from app.cloud.profiles import CloudServer
from app.faults import Fault


def test_every_refusal_has_a_sentence_and_a_next_step_without_holes() -> None:
    rows = list(shown("cloud.test"))
    assert len(rows) > 300
    for call, kind, status, sentence in rows:
        assert sentence
        assert "{" not in sentence, (call, kind, status)
        assert "{" not in meaning(call, kind, status)(host="x", status=status).next_step.english()


@pytest.mark.parametrize("call", Call, ids=lambda call: call.name)
@pytest.mark.parametrize("kind", CloudServer)
def test_what_is_the_same_everywhere(call: Call, kind: CloudServer) -> None:
    assert meaning(call, kind, 429) is faults.CloudTooOften
    assert meaning(call, kind, 407) is faults.CloudProxyUnusable
    assert meaning(call, kind, 500) is faults.CloudTrouble
    assert meaning(call, kind, 599) is faults.CloudTrouble
    assert meaning(call, kind, 418) is faults.CloudRefused
    assert meaning(call, kind, 200) is faults.CloudRefused
    signing_in = {Call.SIGN_IN: faults.SignInRefused, Call.ONE_TIME_CODE: faults.OneTimeCodeRefused}
    assert meaning(call, kind, 401) is signing_in.get(call, faults.TokenRefused)


@pytest.mark.parametrize(
    ("call", "kind", "status", "words", "fault"),
    [
        (Call.SIGN_IN, CloudServer.PARTICLE, 400, "invalid_grant", faults.SignInRefused),
        (Call.SIGN_IN, CloudServer.LOCAL, 404, "", faults.NotTheCloud),
        (Call.REVOKE, CloudServer.LOCAL, 401, "Bad password", faults.SignInRefused),
        (Call.DEVICES, CloudServer.PARTICLE, 400, "invalid_token", faults.TokenRefused),
        (Call.DEVICES, CloudServer.PARTICLE, 403, "", faults.RequestForbidden),
        (Call.CLAIM, CloudServer.PARTICLE, 403, "That belongs to someone else.", faults.BoardOfSomeoneElse),
        (Call.CLAIM, CloudServer.PARTICLE, 403, "no", faults.RequestForbidden),
        (Call.CLAIM, CloudServer.PARTICLE, 404, "", faults.BoardNotOnline),
        (Call.CLAIM, CloudServer.LOCAL, 404, "", faults.CloudDoesNotOffer),
        (Call.TRANSFER, CloudServer.PARTICLE, 404, "", faults.BoardNotOnline),
        (Call.RELEASE, CloudServer.PARTICLE, 403, "", faults.BoardNotYours),
        (Call.RELEASE, CloudServer.LOCAL, 404, "", faults.CloudDoesNotOffer),
        (Call.DEVICE, CloudServer.LOCAL, 404, "", faults.BoardUnknownToCloud),
        (Call.DEVICE, CloudServer.PARTICLE, 403, "Permission Denied", faults.BoardNotYours),
        (Call.SIGNAL, CloudServer.PARTICLE, 408, "Timed out.", faults.BoardNotOnline),
        (Call.RENAME, CloudServer.PARTICLE, 409, "", faults.BoardNameRefused),
        (Call.RENAME, CloudServer.LOCAL, 405, "", faults.CloudDoesNotOffer),
        (Call.SEND_KEY, CloudServer.PARTICLE, 403, "", faults.KeyRefusedByCloud),
        (Call.SEND_KEY, CloudServer.LOCAL, 400, "", faults.KeyRefusedByLocalCloud),
        (Call.RELEASE, CloudServer.PARTICLE, 405, "", faults.CloudRefused),
        (Call.CLAIM_CODE, CloudServer.PARTICLE, 403, "", faults.RequestForbidden),
        (Call.WHO, CloudServer.LOCAL, 404, "", faults.CloudDoesNotOffer),
        (Call.DEVICES, CloudServer.PARTICLE, 200, "invalid_token", faults.TokenRefused),
    ],
)
def test_a_refusal_means(call: Call, kind: CloudServer, status: int, words: str, fault: type[Fault]) -> None:
    assert meaning(call, kind, status, words) is fault


def test_no_row_is_hidden_by_the_ones_above() -> None:
    reached = {
        id(row)
        for row in ANSWERS
        for call in row.calls
        for status in row.statuses
        for kind in CloudServer
        if row.kind in (None, kind)
        and next(
            each
            for each in ANSWERS
            if call in each.calls
            and status in each.statuses
            and each.kind in (None, kind)
            and (not each.words or each.words == row.words)
        )
        is row
    }
    assert reached == {id(row) for row in ANSWERS}
