/** The tenant of everything that this gateway accepts. */
export const tenant = 'default'
