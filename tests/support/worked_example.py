"""The worked example: six events of one family, whose order must not matter.

A follow, a login, a site-button binding and a WhatsApp message make one customer. A second member's login with the
same phone makes the phone shared, and taking that login back undoes it.
"""

from typing import Final

from tests.support.identity_events import bound, claimed, event, seen, unbound

LINE, C1, C2 = "line:oa1:U1", "web:shop:c1", "web:shop:c2"
WHATSAPP: Final = "whatsapp:n1:886911111111"
PHONE: Final = "+886911111111"

FOLLOWS: Final = event(LINE, "contact.followed", {}, at=1)
LOGS_IN: Final = claimed(C1, member_id="M7", phone=PHONE, at=2)
BINDS: Final = bound(LINE, link=C1, at=3)
WRITES: Final = seen(WHATSAPP, phone=PHONE, at=4)
ANOTHER_LOGS_IN: Final = claimed(C2, member_id="M8", phone=PHONE, at=5)
LOGIN_TAKEN_BACK: Final = unbound(C2, member_id="M8", phone=PHONE, at=6)

ONE_CUSTOMER: Final = (FOLLOWS, LOGS_IN, BINDS, WRITES)  # LINE, C1 and WHATSAPP, together
ALL: Final = (*ONE_CUSTOMER, ANOTHER_LOGS_IN, LOGIN_TAKEN_BACK)
