"""Settings that go together, by name: where to begin for a certain look, or for the time there is."""

PRESETS = {
    "sketchy": {"style_layers": "relu2_1:1,relu3_1:1", "style_scale": 0.6, "color": "keep", "style_weight": "5x"},
    "strong": {"style_weight": "10x", "content_layers": "relu5_2"},
    "faithful": {"style_weight": "0.1x"},
    "photo": {"style_weight": "0.03x", "content_layers": "relu2_2:0.5,relu4_2:1"},
    "fast": {"size": 256, "iterations": 80},
    "best": {"size": 768, "iterations": 500},
}
