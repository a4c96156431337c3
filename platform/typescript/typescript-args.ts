/** What Node.js is started with to run the project's TypeScript, wherever it is started from. */
export const typescriptArgs: readonly string[] = [`--import=${import.meta.resolve('#typescript')}`]
