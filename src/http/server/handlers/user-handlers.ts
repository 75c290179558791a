import { whoAmI } from '../../contract/user-routes.ts';
import { handle } from '../handler.ts';

export const userHandlers = [handle(whoAmI, ({ actor }) => Promise.resolve(actor))];
