"""The mail with an invitation."""

from functions.shared.mail import Button, Mail, compose


def invitation(*, name: str | None, email: str, password: str, sign_in_url: str) -> Mail:
    """Write an invitation.

    Args:
        name: Of the person, for the greeting.
        email: What the person signs in with.
        password: The temporary password.
        sign_in_url: The page to sign in at.
    """
    return compose(
        "Your invitation to Spaceport",
        [
            f"Hello {name}," if name else "Hello,",
            "you are invited to Spaceport, which turns drone photos of a place into a 3D model.",
            "Sign in with your e-mail address and this temporary password, then choose one of your own:",
            f"E-mail address: {email}\nTemporary password: {password}",
        ],
        button=Button("Sign in", sign_in_url),
        closing="The temporary password ends after some days. Ask whoever invited you for a new one then.",
    )
