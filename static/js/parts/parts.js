/** What every page of the shell needs: menus and copy buttons. Pages import the other parts. */

import { offerCopies } from "./copy.js";
import { listenToMenus } from "./menu.js";

listenToMenus();
offerCopies();
