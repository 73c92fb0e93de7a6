/* SPDX-License-Identifier: Apache-2.0 */
/* The version that --version, the bus and the ledger name. */
#pragma once

#ifndef SEALSD_VERSION
#define SEALSD_VERSION "0.1"
#endif
