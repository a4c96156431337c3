/** The tenant of a caller whose key names none. */
export const defaultTenant = 'default'
