/** What every page of the shell needs: menus and copy buttons. Other parts are imported by pages. */

import { offerCopies } from "./copy.js";
import { listenToMenus } from "./menu.js";

listenToMenus();
offerCopies();
