// The text up to the last whole word that fits into so many characters.
export function short(text, length) {
  if (text.length <= length) return text;
  return text.slice(0, length + 1).replace(/(\s+)+\S*$/, "");
}
