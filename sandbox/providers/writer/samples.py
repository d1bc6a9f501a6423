"""Fixed texts: a few lines of code in several languages, and one of everything that Markdown has."""

__all__ = ["CODE", "MARKDOWN"]

CODE = {
    "python": 'def greet(name: str) -> str:\n    return f"Hello, {name}!"\n\n\nprint(greet("world"))',
    "javascript": 'const greet = (name) => `Hello, ${name}!`;\n\nconsole.log(greet("world"));',
    "typescript": 'const greet = (name: string): string => `Hello, ${name}!`;\n\nconsole.log(greet("world"));',
    "rust": 'fn main() {\n    let name = "world";\n    println!("Hello, {name}!");\n}',
    "golang": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("Hello, world!")\n}',
    "sql": "SELECT name, count(*) AS orders\nFROM customers\nGROUP BY name\nORDER BY orders DESC;",
    "bash": '#!/usr/bin/env bash\nset -euo pipefail\necho "Hello, ${1:-world}!"',
    "html": '<!doctype html>\n<html lang="en">\n<title>Hello</title>\n<h1>Hello, world!</h1>\n</html>',
}

MARKDOWN = r"""# First heading

## Second heading

Text with **bold**, *italic*, ~~struck~~ and `code`, and a [link](https://example.com/).

- One
- Two
  - Two and a half

1. First
2. Second

- [x] Done
- [ ] Open

> A quotation,
> on two lines.

| Left | Center | Right |
| :--- | :---: | ---: |
| a | b | 1 |
| c | d | 22 |

```python
print("Hello")
```

Inline $e^{i\pi} + 1 = 0$, and on its own line:

$$
\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}
$$

Other scripts: naïve café, Ελληνικά, русский, 日本語, العربية, 🙂 👩‍🚀.

---

The end."""
