"""The ONNX node cases that our layers do not claim to do, by name, and why."""

ONE_OR_THREE_DIMENSIONS = "our layers are for pictures: two dimensions"
DILATIONS = "our pooling knows no dilation"
ASYMMETRIC = "our pooling pads both sides alike"
OTHER = "no layer of ours does this"

OUT_OF_SCOPE = {
    "averagepool_1d_default": ONE_OR_THREE_DIMENSIONS,
    "averagepool_3d_default": ONE_OR_THREE_DIMENSIONS,
    "averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False": ONE_OR_THREE_DIMENSIONS,
    "averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True": ONE_OR_THREE_DIMENSIONS,
    "averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False": ONE_OR_THREE_DIMENSIONS,
    "averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True": ONE_OR_THREE_DIMENSIONS,
    "averagepool_3d_dilations_small": ONE_OR_THREE_DIMENSIONS,
    "lppool_1d_default": ONE_OR_THREE_DIMENSIONS,
    "lppool_3d_default": ONE_OR_THREE_DIMENSIONS,
    "maxpool_1d_default": ONE_OR_THREE_DIMENSIONS,
    "maxpool_3d_default": ONE_OR_THREE_DIMENSIONS,
    "maxpool_3d_dilations": ONE_OR_THREE_DIMENSIONS,
    "maxpool_3d_dilations_use_ref_impl": ONE_OR_THREE_DIMENSIONS,
    "maxpool_3d_dilations_use_ref_impl_large": ONE_OR_THREE_DIMENSIONS,
    "averagepool_2d_dilations": DILATIONS,
    "lppool_2d_dilations": DILATIONS,
    "maxpool_2d_dilations": DILATIONS,
    "averagepool_2d_same_lower": ASYMMETRIC,
    "averagepool_2d_same_upper": ASYMMETRIC,
    "lppool_2d_same_lower": ASYMMETRIC,
    "lppool_2d_same_upper": ASYMMETRIC,
    "maxpool_2d_same_lower": ASYMMETRIC,
    "maxpool_2d_same_upper": ASYMMETRIC,
    "gemm_default_matrix_bias": OTHER,
    "maxpool_2d_uint8": OTHER,
}
