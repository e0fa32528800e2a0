// What a release is called: its file in dist/, and the line that fits on the wall in the office.
import { slug } from "azora-slug";
import { short } from "azora-words";

export const file = (subject) => `${slug(subject)}.txt`;
export const line = (subject) => short(subject, 32);
