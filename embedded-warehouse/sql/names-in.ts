/** The names in a text that separates them by commas and line breaks, for lists that are long and read in groups. */
export function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/,\s+/))
}
