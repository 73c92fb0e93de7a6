/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain text for people, set in lines of 80 columns: headings, items, and labels with what they
 * are.
 */
#pragma once

#include <stdio.h>

#define PAGE_COLUMNS 80

/* A paragraph is cut at so many bytes, between two characters. */
#define PAGE_PARAGRAPH_MAX 4096

/* A blank line, and the text as it is. */
void page_heading(FILE *out, const char *text);

/* " - …", and below such an item "     …". Words are not broken. */
void page_item(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_subitem(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "Label         …" */
void page_line(FILE *out, const char *label, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
