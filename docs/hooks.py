"""The site has the tables and figures of benchmarks/results too, which the pages link to where they lie."""

from pathlib import Path

from mkdocs.structure.files import File


def on_files(files, config):
    folder = Path(config.config_file_path).parent / "benchmarks" / "results"
    for path in sorted(folder.iterdir()):
        files.append(File.generated(config, f"results/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    return markdown.replace("(../benchmarks/results/", "(results/")
