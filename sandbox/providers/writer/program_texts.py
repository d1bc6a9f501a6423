"""The programs that the writer knows by heart, by problem and language; and a beginning for any other problem."""

__all__ = ["KNOWN", "SKELETONS"]

# Fields: {name} as in snake_case, {camel} as in camelCase, {title}.
SKELETONS = {
    "python": '''\
def {name}(items: list[str]) -> dict[str, int]:
    """How often each item occurs, most frequent first."""
    counts: dict[str, int] = {{}}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


if __name__ == "__main__":
    print({name}(["tea", "coffee", "tea"]))  # {{'tea': 2, 'coffee': 1}}''',
    "javascript": """\
export function {camel}(items) {{
  const counts = new Map();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}}

console.log({camel}(["tea", "coffee", "tea"])); // [["tea", 2], ["coffee", 1]]""",
    "typescript": """\
export function {camel}(items: readonly string[]): [string, number][] {{
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}}

console.log({camel}(["tea", "coffee", "tea"]));""",
    "go": """\
package main

import "fmt"

func {camel}(items []string) map[string]int {{
	counts := make(map[string]int)
	for _, item := range items {{
		counts[item]++
	}}
	return counts
}}

func main() {{
	fmt.Println({camel}([]string{{"tea", "coffee", "tea"}}))
}}""",
    "rust": """\
use std::collections::BTreeMap;

fn {name}<'a>(items: &[&'a str]) -> BTreeMap<&'a str, usize> {{
    let mut counts = BTreeMap::new();
    for item in items {{
        *counts.entry(*item).or_insert(0) += 1;
    }}
    counts
}}

fn main() {{
    println!("{{:?}}", {name}(&["tea", "coffee", "tea"]));
}}""",
    "java": """\
import java.util.Map;
import java.util.TreeMap;

public class Main {{
    static Map<String, Integer> {camel}(String... items) {{
        Map<String, Integer> counts = new TreeMap<>();
        for (String item : items) counts.merge(item, 1, Integer::sum);
        return counts;
    }}

    public static void main(String[] args) {{
        System.out.println({camel}("tea", "coffee", "tea"));
    }}
}}""",
    "csharp": """\
using System.Linq;

string[] items = ["tea", "coffee", "tea"];
foreach (var group in items.GroupBy(item => item).OrderByDescending(group => group.Count()))
    Console.WriteLine($"{{group.Key}}: {{group.Count()}}");""",
    "cpp": """\
#include <iostream>
#include <map>
#include <string>
#include <vector>

std::map<std::string, int> {name}(const std::vector<std::string>& items) {{
    std::map<std::string, int> counts;
    for (const auto& item : items) ++counts[item];
    return counts;
}}

int main() {{
    for (const auto& [item, count] : {name}({{"tea", "coffee", "tea"}}))
        std::cout << item << ": " << count << '\\n';
}}""",
    "c": """\
#include <stdio.h>
#include <string.h>

static int {name}(const char *items[], int length, const char *wanted) {{
    int count = 0;
    for (int i = 0; i < length; i++)
        if (strcmp(items[i], wanted) == 0) count++;
    return count;
}}

int main(void) {{
    const char *items[] = {{"tea", "coffee", "tea"}};
    printf("tea: %d\\n", {name}(items, 3, "tea"));
    return 0;
}}""",
    "kotlin": """\
fun {camel}(items: List<String>): Map<String, Int> = items.groupingBy {{ it }}.eachCount()

fun main() = println({camel}(listOf("tea", "coffee", "tea")))""",
    "swift": """\
func {camel}(_ items: [String]) -> [String: Int] {{
    items.reduce(into: [:]) {{ counts, item in counts[item, default: 0] += 1 }}
}}

print({camel}(["tea", "coffee", "tea"]))""",
    "ruby": """\
def {name}(items)
  items.tally.sort_by {{ |_, count| -count }}
end

p {name}(%w[tea coffee tea])""",
    "php": """\
<?php
function {camel}(array $items): array
{{
    $counts = array_count_values($items);
    arsort($counts);
    return $counts;
}}

print_r({camel}(["tea", "coffee", "tea"]));""",
    "sql": """\
-- The ten most frequent items of the last 30 days
SELECT item, COUNT(*) AS times
FROM {name}
WHERE created_at >= CURRENT_DATE - INTERVAL '30 days'
GROUP BY item
ORDER BY times DESC
LIMIT 10;""",
    "bash": '''\
#!/usr/bin/env bash
set -euo pipefail

# Counts the lines of standard input, most frequent first.
sort | uniq -c | sort --reverse --numeric-sort | head -n "${{1:-10}}"''',
    "html": """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>{title}</title>
  </head>
  <body>
    <main>
      <h1>{title}</h1>
      <p>Hello &amp; welcome.</p>
    </main>
  </body>
</html>""",
    "css": """\
:root {{
  color-scheme: light dark;
}}

.card {{
  padding: 1rem;
  border: 1px solid color-mix(in srgb, currentColor 20%, transparent);
  border-radius: 0.5rem;
}}""",
    "yaml": """\
name: {name}
steps:
  - name: prepare
    run: make setup
  - name: check
    run: make test""",
    "json": """\
{{
  "name": "{name}",
  "items": ["tea", "coffee"],
  "count": 2
}}""",
    "dockerfile": """\
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
CMD ["python", "-m", "{name}"]""",
    "regex": """\
^(?<year>\\d{{4}})-(?<month>0[1-9]|1[0-2])-(?<day>0[1-9]|[12]\\d|3[01])$""",
}

# Words that name a problem, as a regular expression, and its programs.
KNOWN: tuple[tuple[str, dict[str, str]], ...] = (
    (
        r"hello,?\s*world",
        {
            "python": 'print("Hello, world!")',
            "javascript": 'console.log("Hello, world!");',
            "typescript": 'console.log("Hello, world!");',
            "go": """\
package main

import "fmt"

func main() {
	fmt.Println("Hello, world!")
}""",
            "rust": """\
fn main() {
    println!("Hello, world!");
}""",
            "java": """\
public class Main {
    public static void main(String[] args) {
        System.out.println("Hello, world!");
    }
}""",
            "c": """\
#include <stdio.h>

int main(void) {
    puts("Hello, world!");
    return 0;
}""",
            "cpp": """\
#include <iostream>

int main() {
    std::cout << "Hello, world!\\n";
}""",
            "bash": 'echo "Hello, world!"',
            "ruby": 'puts "Hello, world!"',
            "php": """\
<?php
echo "Hello, world!\\n";""",
            "sql": "SELECT 'Hello, world!';",
        },
    ),
    (
        r"fibonacci",
        {
            "python": """\
from itertools import islice


def fibonacci():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


print(list(islice(fibonacci(), 10)))  # [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]""",
            "javascript": """\
function* fibonacci() {
  let [a, b] = [0n, 1n];
  while (true) {
    yield a;
    [a, b] = [b, a + b];
  }
}

for (const n of fibonacci()) {
  if (n > 100n) break;
  console.log(n);
}""",
        },
    ),
    (
        r"factorial",
        {
            "python": """\
def factorial(n: int) -> int:
    if n < 0:
        raise ValueError("n must not be negative")
    result = 1
    for factor in range(2, n + 1):
        result *= factor
    return result


print(factorial(10))  # 3628800""",
            "javascript": """\
function factorial(n) {
  let result = 1n;
  for (let i = 2n; i <= n; i++) result *= i;
  return result;
}

console.log(factorial(10n)); // 3628800n""",
        },
    ),
    (
        r"\bprimes?\b",
        {
            "python": """\
def primes_below(limit: int) -> list[int]:
    sieve = bytearray([1]) * limit
    sieve[:2] = b"\\0\\0"
    for n in range(2, int(limit**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, limit, n)))
    return [n for n, prime in enumerate(sieve) if prime]


print(primes_below(30))  # [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]""",
            "javascript": """\
function isPrime(n) {
  if (n < 2) return false;
  for (let i = 2; i * i <= n; i++) {
    if (n % i === 0) return false;
  }
  return true;
}

console.log([...Array(30).keys()].filter(isPrime));""",
        },
    ),
    (
        r"fizz\s*buzz",
        {
            "python": """\
for n in range(1, 101):
    print("Fizz" * (n % 3 == 0) + "Buzz" * (n % 5 == 0) or n)""",
            "javascript": """\
for (let n = 1; n <= 100; n++) {
  console.log((n % 3 ? "" : "Fizz") + (n % 5 ? "" : "Buzz") || n);
}""",
        },
    ),
    (
        r"revers\w+ (?:a |the |of a )?(?:string|text|word)|palindrome",
        {
            "python": """\
def reverse(text: str) -> str:
    return text[::-1]


def is_palindrome(text: str) -> bool:
    letters = [c for c in text.casefold() if c.isalnum()]
    return letters == letters[::-1]


print(reverse("sandbox"))  # xobdnas
print(is_palindrome("Never odd or even"))  # True""",
            "javascript": """\
const reverse = (text) => [...text].reverse().join("");

console.log(reverse("sandbox")); // xobdnas""",
        },
    ),
)
