/** What the users page starts with: reads its settings, wakes the panel and the experiments. */

import { offerExperiments } from "./break-it.js";
import { takeDropsAndPastes } from "./drop-zone.js";
import { UploadPanel } from "./upload-panel.js";

const root = document.getElementById("upload");
const { userId, beginUrl, confirmUrl, maxBytes, contentTypes } = root.dataset;
const csrfToken = root.querySelector("[name=csrfmiddlewaretoken]").value;
const site = { beginUrl, confirmUrl, csrfToken };
const limits = { maxBytes: Number(maxBytes), contentTypes: contentTypes.split(" ") };

const panel = new UploadPanel(root, site, limits);
takeDropsAndPastes(root, (file) => panel.choose(file));

const experiments = document.getElementById("break-it");
if (experiments) offerExperiments(experiments, userId, site, limits);
