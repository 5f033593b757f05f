"""Who carries letters: the mail server to those who gave an e-mail address, the platform everybody else's."""

from safelight.cases.takedown.mail import Mail, MailServer, MailTls, Posts
from safelight.cases.takedown.memory import NoPost
from safelight.cases.takedown.ports import Post
from safelight.core.clock import Clock
from safelight.settings import Settings


def post_of(settings: Settings, platform: Post | None, clock: Clock) -> Post:
    """The post that the settings make. `platform`: one that takes whatever no mail server does. Raises NotStartable."""
    others = platform or NoPost()
    if not settings.mail_host:
        return others
    server = MailServer(
        settings.mail_host,
        settings.mail_port,
        settings.mail_from,
        MailTls(settings.mail_tls.value),
        settings.mail_user,
        settings.mail_password.get_secret_value(),
    )
    return Posts(Mail(server, clock), others)
