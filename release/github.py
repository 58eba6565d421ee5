"""Comments and issues on GitHub, through its command line `gh`."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class GitHubError(Exception):
    """GitHub does not do it; the message is its own."""


@dataclass(frozen=True)
class GitHub:
    """A repository on GitHub; `gh` finds its token in `GH_TOKEN`.

    Attributes:
        repository: `OWNER/REPO`.
    """

    repository: str

    def upsert_comment(self, number: int, marker: str, body: str) -> None:
        """Write a comment on a pull request, or write it anew.

        Args:
            number: Of the pull request.
            marker: Text by which the comment is known again.
            body: What it says; the marker is put before it.

        Raises:
            GitHubError: GitHub refuses.
        """
        text = f"{marker}\n{body}"
        comments = f"issues/{number}/comments"
        for comment in self._pages(comments):
            # Whoever comments can write the marker, too; only a bot's comment is ours to write over.
            if comment["user"]["type"] == "Bot" and comment["body"].startswith(marker):
                self._call("PATCH", f"issues/comments/{comment['id']}", body=text)
                return
        self._call("POST", comments, body=text)

    def open_issue(self, title: str, body: str) -> None:
        """Open an issue, or write the open one of that title anew.

        Raises:
            GitHubError: GitHub refuses.
        """
        number = self._open_issue(title)
        if number is None:
            self._call("POST", "issues", title=title, body=body)
        else:
            self._call("PATCH", f"issues/{number}", body=body)

    def close_issue(self, title: str) -> bool:
        """Close the open issue of a title, and tell whether there was one.

        Raises:
            GitHubError: GitHub refuses.
        """
        number = self._open_issue(title)
        if number is not None:
            self._call("PATCH", f"issues/{number}", state="closed")
        return number is not None

    def _open_issue(self, title: str) -> int | None:
        for issue in self._pages("issues?state=open"):
            is_ours = "pull_request" not in issue and issue["user"]["type"] == "Bot"
            if is_ours and issue["title"] == title:
                return int(issue["number"])
        return None

    def _pages(self, path: str) -> Iterator[Any]:
        sign = "&" if "?" in path else "?"
        place = f"repos/{self.repository}/{path}{sign}per_page=100"
        for page in json.loads(_gh("api", "--paginate", "--slurp", place)):
            yield from page

    def _call(self, method: str, path: str, **fields: str) -> None:
        place = f"repos/{self.repository}/{path}"
        _gh("api", "--method", method, place, "--input", "-", given=json.dumps(fields))


def _gh(*arguments: str, given: str | None = None) -> str:
    done = subprocess.run(["gh", *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GitHubError(f"`gh {' '.join(arguments[:4])}`: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
