"""What the site needs beyond the pages: the benchmarks' results, the colours of code, and docstrings as Markdown."""

from pathlib import Path

from mkdocs.structure.files import File
from pygments.formatters import HtmlFormatter


def on_files(files, config):
    folder = Path(config.config_file_path).parent / "benchmarks" / "results"
    for path in sorted(folder.iterdir()):
        files.append(File.generated(config, f"results/{path.name}", abs_src_path=str(path)))
    colors = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    files.append(File.generated(config, "code.css", content=colors))
    return files


def on_page_markdown(markdown, page, config, files):
    return markdown.replace("(../benchmarks/results/", "(results/")


def on_page_content(html, page, config, files):
    return html.replace("::</p>", ":</p>")  # numpydoc's way to announce code
