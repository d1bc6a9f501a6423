/* XML without a DOM, which workers have not. Elements are `{name, attributes, content}`: names without their prefix,
   `content` a list of elements and texts. */

const DEEPEST = 200;
const TAG = /<(?:\/([^\s>]+)\s*|([^\s/>!?]+)((?:\s+[^\s=>]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?))>|<!\[CDATA\[([\s\S]*?)\]\]>|<!--[\s\S]*?-->|<\?[\s\S]*?\?>/y;
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const NAMED = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The root element of a document. Throws an Error if it is damaged or defines entities. */
export function parse(source) {
  for (const root of elements(source)) return root;
  throw new Error("The XML has no element.");
}

/** Yields the elements of this name as they end, or the root without a name: others are not kept, however many there are.
    Throws an Error at the place where the document is damaged. */
export function* elements(source, name = null) {
  const open = []; // names, for the end tags
  let kept = []; // from the element that is to be yielded down to the current one
  for (const { start, end, text, attributes, alone } of tags(source)) {
    if (text !== undefined) kept.at(-1)?.content.push(text);
    else if (start !== undefined) {
      if (open.length >= DEEPEST) throw new Error("The XML is nested too deeply.");
      open.push(start);
      const local = withoutPrefix(start);
      if (kept.length || name === null || local === name) {
        const element = { name: local, attributes: attributesOf(attributes), content: [] };
        kept.at(-1)?.content.push(element);
        kept.push(element);
      }
    }
    if (end === undefined && !alone) continue;
    if (open.pop() !== (end ?? start)) throw new Error("The XML is damaged.");
    const element = kept.pop();
    if (element && !kept.length) yield element;
  }
  if (open.length) throw new Error("The XML is damaged.");
}

function* tags(source) {
  for (let at = 0; at < source.length;) {
    const next = source.indexOf("<", at);
    if (next !== at) yield { text: decoded(source.slice(at, next < 0 ? source.length : next)) };
    if (next < 0) return;
    TAG.lastIndex = next;
    const found = TAG.exec(source);
    if (!found) throw new Error("The XML is damaged, or defines entities.");
    at = TAG.lastIndex;
    const [, end, start, attributes, alone, data] = found;
    if (data !== undefined) yield { text: data };
    else if (end !== undefined || start !== undefined) yield { end, start, attributes, alone: alone === "/" };
  }
}

const withoutPrefix = (name) => name.slice(name.indexOf(":") + 1);

function attributesOf(source) {
  const attributes = {};
  for (const [, name, double, single] of source.matchAll(ATTRIBUTE)) attributes[withoutPrefix(name)] = decoded(double ?? single);
  return attributes;
}

function decoded(text) {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,4}));/gi, (whole, decimal, hex, name) => {
    if (name) return NAMED[name] ?? whole;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}

/** The elements in an element, or those of one name. */
export const children = (element, name = null) =>
  element.content.filter((child) => typeof child !== "string" && (name === null || child.name === name));

/** All elements of a name, at any depth. */
export function all(element, name) {
  if (!element) return [];
  return children(element).flatMap((child) => [...(child.name === name ? [child] : []), ...all(child, name)]);
}

/** The text of an element and of all in it, but not of elements of a `without` name. */
export const textOf = (element, without = null) =>
  element.content.map((child) => (typeof child === "string" ? child : child.name === without ? "" : textOf(child, without))).join("");
