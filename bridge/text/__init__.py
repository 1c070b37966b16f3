"""Pure conversions of text: Markdown, Matrix HTML, reply fallbacks, names, slugs and splitting; no I/O."""
