"""What can go wrong with banks, lists and exchanges.

SafelightError
├── BankError        no such bank, a name that is taken, a list that cannot be read
└── ExchangeFailed   the other side did not answer as agreed; what was fetched before is kept
"""

from safelight.core.errors import SafelightError


class BankError(SafelightError):
    """No such bank, a name that is taken, a list that cannot be read."""

    code = "bank_error"


class ExchangeFailed(SafelightError):
    """The other side did not answer as agreed; what was fetched before is kept, and the next fetch goes on there."""

    code = "exchange_failed"
