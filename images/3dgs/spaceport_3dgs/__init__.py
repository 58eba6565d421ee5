"""The 3DGS step: trains Gaussians on the photos that the SfM step placed.

Modules: `options`; `scene` (what SfM left, read and split), `frame` (from east-north-up metres to the
model frame); `gaussians` (the trained parameters), `rasterizer` with its two backends `cuda_rasterizer` and
`cpu_rasterizer`, `losses`, `exposure`, `schedule`, `densify`; `trainer` (the loop), `checkpoint`;
`evaluation`, `cleaning`, `result` (the files); `job` ties them to the contract.
"""
