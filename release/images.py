"""`make images`: the images of a revision into a stack's repositories, and their digests into its file."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.definition import STEPS
from components.images import image_tag
from local.stack_file import setting, with_entry
from release.registry import Client, ImagesError, Repository, build, copy, digest_of, write_login
from release.state import Deployed

KEY = "spaceport:imageDigests"
SOURCE = "source.json"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """Images of another stack that may be copied.

    Attributes:
        images: By step, the image of this revision by its digest: `REPOSITORY@DIGEST`; some may be missing.
        deployed: Digests of the images that run there, whatever their revision.
        login: Folder of the `config.json` that opens their registry.
    """

    images: Mapping[str, str]
    deployed: Mapping[str, str]
    login: Path


@dataclass(frozen=True)
class Images:
    """The images of one stack.

    Attributes:
        ecr: ECR of its account.
        deployed: What is deployed of it.
        context: The build context, `images/` of the revision.
    """

    ecr: Client
    deployed: Deployed
    context: Path

    def repository(self, step: str) -> Repository:
        """Give a step's repository.

        Raises:
            ImagesError: The stack has none yet.
        """
        if step not in self.deployed.repositories:
            raise ImagesError(
                f"the stack has no repository for {step} yet: deploy it once (docs/releasing.md, A new stack)"
            )
        return Repository(self.deployed.repositories[step])

    def there(self, step: str) -> str | None:
        """Digest of a step's image of this revision, where the registry has it."""
        return digest_of(self.ecr, self.repository(step), image_tag(step, self.context))

    def make(
        self, steps: Sequence[str], tell: Tell, *, source: Source | None = None, builds: bool = True
    ) -> dict[str, str]:
        """See that the registry has the images of this revision.

        What is there stays; what the source has is copied; the rest is built.

        Args:
            steps: Which ones.
            tell: Told a line per image.
            source: Images to copy.
            builds: Whether an image may be built.

        Returns:
            Digests by step.

        Raises:
            ImagesError: An image cannot be had.
        """
        digests = {}
        for step in steps:
            repository, tag = self.repository(step), image_tag(step, self.context)
            found = digest_of(self.ecr, repository, tag)
            if found is not None:
                done = "is there"
            elif source is not None and step in source.images:
                there, _, digest = source.images[step].partition("@")
                tell(f"{step}: copied from {there} ...")
                found = copy(self.ecr, Repository(there), digest, source.login, repository, tag)
                done = "copied"
            elif builds:
                tell(f"{step}: built ...")
                found = build(self.ecr, step, repository, tag, self.context)
                done = "built and pushed"
            else:
                raise ImagesError(
                    f"{repository.url} has no {tag}, the {step} image of this revision, and it is not to be "
                    "built here: it is built once, for staging, from the branch development"
                )
            tell(f"{step}: {repository.url}:{tag} {done}, {found}")
            digests[step] = found
        return digests

    def write_source(self, folder: Path) -> list[str]:
        """Write down which images of this revision may be copied, and what opens their registry.

        Returns:
            The images by their digests.
        """
        images = {
            step: f"{self.repository(step).url}@{digest}" for step in STEPS if (digest := self.there(step))
        }
        folder.mkdir(parents=True, exist_ok=True)
        written = {"images": images, "deployed": dict(self.deployed.digests)}
        (folder / SOURCE).write_text(json.dumps(written))
        for host in {self.repository(step).host for step in images}:
            write_login(self.ecr, host, folder)
        return list(images.values())


def read_source(folder: Path) -> Source:
    """Read what `Images.write_source` has written.

    Raises:
        ImagesError: There is none.
    """
    path = folder / SOURCE
    if not path.is_file():
        raise ImagesError(f"{path} is missing: `python -m release source` writes it")
    written = json.loads(path.read_text())
    return Source(written["images"], written["deployed"], folder)


def write_digests(file: Path, digests: Mapping[str, str], *, others: Mapping[str, str]) -> list[str]:
    """Write digests into a stack's file, where the program reads them.

    The program wants all or none, so an image that is not among them keeps its digest.

    Args:
        file: The stack's file.
        digests: By step.
        others: Digests of other steps, for those that the file has none of.

    Returns:
        Steps without a digest; the file is left as it is while there are some.

    Raises:
        StackFileError: The file is not written in lines.
    """
    text = file.read_text()
    known = {**others, **setting(text, KEY), **digests}
    missing = [step for step in STEPS if step not in known]
    if not missing:
        for step in STEPS:
            text = with_entry(text, KEY, step, f"{step}: {known[step]}", known[step])
        file.write_text(text)
    return missing


def changed(base: Path, head: Path) -> Iterator[str]:
    """Name the images that two revisions build from different files; a new one is among them.

    Args:
        base: Build context of the one.
        head: Build context of the other.
    """
    for step in STEPS:
        if not (base / step).is_dir() or image_tag(step, base) != image_tag(step, head):
            yield step
