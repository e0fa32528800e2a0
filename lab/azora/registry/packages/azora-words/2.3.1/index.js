// The text up to the last whole word that fits into so many characters, and a sign that more came.
export function short(text, length) {
  if (text.length <= length) return text;
  const end = text.slice(0, length).lastIndexOf(" ");
  return `${text.slice(0, end < 0 ? length - 1 : end)}…`;
}
