import { onlineStoreContract } from '../online-store.contract.ts'
import { createMemoryOnlineStore } from './online-store-memory.ts'

onlineStoreContract('the online store in memory', async () => createMemoryOnlineStore())
