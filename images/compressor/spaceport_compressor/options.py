"""What the compressor step can be told."""

from pydantic import Field
from spaceport_job.options import JobOptions


class CompressorOptions(JobOptions):
    """Options of the compressor; the defaults suit a capture of any size."""

    sh_degree: int = Field(3, ge=0, le=3, description="highest degree of view-dependent colour that is kept")
    sh_palette: int = Field(
        0,
        ge=0,
        le=65536,
        description="rows of the palette of view-dependent colour; 0 chooses by the model's size",
    )
    palette_rounds: int = Field(10, ge=3, le=50, description="most rounds of the palette's clustering")
    weigh_by_visibility: bool = Field(
        True, description="spend the palette on splats by opacity and area, as they count on screen"
    )
    min_opacity: float = Field(
        1 / 255,
        ge=0,
        le=0.5,
        description="splats less opaque than this are left out; 1/255 is what no viewer draws",
    )
    preview_width: int = Field(960, ge=160, le=3840, description="pixels")
    preview_height: int = Field(600, ge=100, le=2160, description="pixels")
    title: str = Field("", max_length=200, description="the project's name, shown on the page")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="of everything random")
