/* SPDX-License-Identifier: Apache-2.0 */
#include "format/picture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "tests/fixture/picture.h"
#include "tests/unit/unit.h"

#define SVG_BEGIN "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 42 30'>"
#define SVG_END "</svg>"

/* ---- what is said ---------------------------------------------------------------------------- */

static void assert_taken(Bytes picture, PictureType type, unsigned width, unsigned height) {
        PictureType found = PICTURE_NONE;
        ErrorDetail detail = {};
        unsigned w = 0, h = 0;

        int r = picture_check(picture, &found, &w, &h, &detail);
        if (r != 0)
                fail_msg("%d: %s", r, detail.text);
        assert_int_equal(found, type);
        assert_int_equal(w, width);
        assert_int_equal(h, height);
        assert_string_equal(detail.text, "");
}

static void assert_refused(Bytes picture, int code, const char *words) {
        PictureType type = PICTURE_NONE;
        unsigned width = 7, height = 8;
        ErrorDetail detail = {};

        int r = picture_check(picture, &type, &width, &height, &detail);
        if (r != code || !strstr(detail.text, words))
                fail_msg("%d instead of %d, \"%s\" without \"%s\"", r, code, detail.text, words);
        assert_memory_equal(detail.text, "picture: ", 9);
        assert_int_equal(type, PICTURE_NONE);
        assert_int_equal(width, 7);
        assert_int_equal(height, 8);
        assert_int_equal(picture_check(picture, &type, &width, &height, NULL), code);
}

static Bytes text(const char *svg) {
        return (Bytes){ (const uint8_t *) svg, strlen(svg) };
}

#define assert_svg_refused(svg, words) assert_refused(text(svg), SEAL_E_INVALID_ARGS, words)

/* ---- PNG ------------------------------------------------------------------------------------- */

static void a_png_of_any_kind_is_taken(void **state) {
        static const struct {
                int depth, color;
        } kinds[] = {
                { 8, MADE_RGB_ALPHA }, { 16, MADE_RGB_ALPHA }, { 8, MADE_RGB },
                { 1, MADE_GREY },      { 8, MADE_GREY_ALPHA }, { 1, MADE_PALETTE },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                for (int interlace = 0; interlace < 2; interlace++) {
                        _made_ Made png = made_png(33, 17, kinds[i].depth, kinds[i].color,
                                                   interlace);

                        assert_taken(made_bytes(&png), PICTURE_PNG, 33, 17);
                }
}

static void a_png_cut_anywhere_is_refused(void **state) {
        _made_ Made png = made_png_usual();

        (void) state;
        for (size_t size = 8; size < png.size; size++)
                assert_refused((Bytes){ png.data, size }, SEAL_E_INVALID_ARGS, "PNG is damaged");
}

static void a_png_changed_anywhere_is_refused(void **state) {
        _made_ Made png = made_png_usual();

        (void) state;
        for (size_t i = 8; i < png.size; i++) {
                PictureType type;
                unsigned width, height;

                png.data[i] ^= 0x10;
                assert_int_not_equal(picture_check(made_bytes(&png), &type, &width, &height, NULL),
                                     0);
                png.data[i] ^= 0x10;
        }
        assert_taken(made_bytes(&png), PICTURE_PNG, 40, 30);
}

static void bytes_behind_a_png_are_refused(void **state) {
        _made_ Made png = made_png_usual();

        (void) state;
        made_append(&png, "PK", 2);
        assert_refused(made_bytes(&png), SEAL_E_INVALID_ARGS, "2 bytes follow");
}

static void a_png_of_too_many_pixels_is_refused_before_it_is_decoded(void **state) {
        _made_ Made wide = made_png(PICTURE_SIDE_MAX + 1, 1, 1, MADE_GREY, 0);
        _made_ Made large = made_png(PICTURE_SIDE_MAX, PICTURE_PIXELS_MAX / PICTURE_SIDE_MAX + 1, 1,
                                     MADE_GREY, 0);
        _made_ Made largest = made_png(PICTURE_SIDE_MAX, PICTURE_PIXELS_MAX / PICTURE_SIDE_MAX, 1,
                                       MADE_GREY, 0);

        (void) state;
        assert_refused(made_bytes(&wide), SEAL_E_LIMITS_EXCEEDED,
                       "4097 by 1 pixels; scale it down");
        assert_refused(made_bytes(&large), SEAL_E_LIMITS_EXCEEDED, "scale it down");
        assert_taken(made_bytes(&largest), PICTURE_PNG, PICTURE_SIDE_MAX, 1024);
}

static void put_u32(uint8_t *ret, size_t value) {
        for (int i = 0; i < 4; i++)
                ret[i] = (uint8_t) (value >> (24 - 8 * i));
}

/* PNG annex D. */
static uint32_t crc_of(const uint8_t *data, size_t size) {
        uint32_t crc = 0xffffffff;

        for (size_t i = 0; i < size; i++) {
                crc ^= data[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
        return ~crc;
}

/* A chunk in front of IDAT: behind the signature and the IHDR, which have 8 + 25 bytes. */
static Made with_chunk(const Made *png, const char *name, Bytes content) {
        _made_ Made chunk = {};
        uint8_t number[4];
        Made made = {};

        made_append(&chunk, name, 4);
        made_append(&chunk, content.data, content.size);
        made_append(&made, png->data, 33);
        put_u32(number, content.size);
        made_append(&made, number, 4);
        made_append(&made, chunk.data, chunk.size);
        put_u32(number, crc_of(chunk.data, chunk.size));
        made_append(&made, number, 4);
        made_append(&made, png->data + 33, png->size - 33);
        return made;
}

/* Of 60 KB that become 60 MB: the size of what is beside the pixels is bounded. */
static void a_text_that_inflates_takes_no_memory(void **state) {
        _made_ Made bomb = made_png_with_text(60UL * 1024 * 1024);

        (void) state;
        assert_true(bomb.size > 50000 && bomb.size <= PICTURE_MAX);
        /* libpng drops the text with a warning, and goes on. */
        assert_taken(made_bytes(&bomb), PICTURE_PNG, 40, 30);
}

static void unknown_and_broken_chunks_are_no_way_out(void **state) {
        static const uint8_t nothing[1];
        _made_ Made png = made_png_usual();
        _made_ Made ancillary = with_chunk(&png, "abCd", (Bytes){ nothing, 1 });
        _made_ Made critical = with_chunk(&png, "AbCd", (Bytes){ nothing, 1 });
        _made_ Made second = with_chunk(&png, "IHDR", (Bytes){ png.data + 16, 13 });

        (void) state;
        assert_taken(made_bytes(&ancillary), PICTURE_PNG, 40, 30);
        ancillary.data[33 + 8] ^= 1; /* what is in it; its CRC stays */
        assert_refused(made_bytes(&ancillary), SEAL_E_INVALID_ARGS, "CRC error");
        assert_refused(made_bytes(&critical), SEAL_E_INVALID_ARGS, "unhandled critical chunk");
        assert_refused(made_bytes(&second), SEAL_E_INVALID_ARGS, "PNG is damaged");
}

/* ---- JPEG ------------------------------------------------------------------------------------ */

static void a_jpeg_of_any_kind_is_taken(void **state) {
        (void) state;
        for (int kind = 0; kind < 4; kind++) {
                _made_ Made jpeg = made_jpeg(33, 17, kind & 1 ? 3 : 1, kind & 2, false);

                assert_taken(made_bytes(&jpeg), PICTURE_JPEG, 33, 17);
        }
}

static void a_jpeg_cut_anywhere_is_refused(void **state) {
        (void) state;
        for (int progressive = 0; progressive < 2; progressive++) {
                _made_ Made jpeg = made_jpeg(40, 30, 3, progressive, false);

                for (size_t size = 3; size < jpeg.size; size++)
                        assert_refused((Bytes){ jpeg.data, size }, SEAL_E_INVALID_ARGS,
                                       "JPEG is damaged");
        }
}

static void bytes_behind_a_jpeg_are_refused(void **state) {
        _made_ Made jpeg = made_jpeg(40, 30, 3, false, false);

        (void) state;
        made_append(&jpeg, "PK", 2);
        assert_refused(made_bytes(&jpeg), SEAL_E_INVALID_ARGS, "2 bytes follow");
}

static void a_jpeg_that_few_can_show_is_refused(void **state) {
        _made_ Made cmyk = made_jpeg(40, 30, 4, false, false);
        _made_ Made arithmetic = made_jpeg(40, 30, 3, false, true);

        (void) state;
        assert_refused(made_bytes(&cmyk), SEAL_E_INVALID_ARGS, "other colours");
        assert_refused(made_bytes(&arithmetic), SEAL_E_INVALID_ARGS, "arithmetic coding");
}

static void a_jpeg_of_too_many_pixels_is_refused_before_it_is_decoded(void **state) {
        _made_ Made jpeg = made_jpeg(16, 16, 1, false, false);
        uint8_t *frame = memmem(jpeg.data, jpeg.size, "\xff\xc0", 2);

        (void) state;
        assert_non_null(frame);
        memset(frame + 5, 0x55, 4); /* height and width */
        assert_refused(made_bytes(&jpeg), SEAL_E_LIMITS_EXCEEDED, "21845 by 21845");
        memset(frame + 5, 0xff, 4);
        assert_refused(made_bytes(&jpeg), SEAL_E_LIMITS_EXCEEDED, "scale it down");
}

/* The largest progressive one keeps all its coefficients, and fits the bound. */
static void the_largest_progressive_jpeg_is_taken(void **state) {
        _made_ Made jpeg = made_jpeg(2048, 2048, 3, true, false);

        (void) state;
        assert_true(jpeg.size <= PICTURE_MAX);
        assert_taken(made_bytes(&jpeg), PICTURE_JPEG, 2048, 2048);
}

/* The last scan of a progressive JPEG, again and again. */
static void a_jpeg_of_many_scans_is_refused(void **state) {
        _made_ Made jpeg = made_jpeg(16, 16, 1, true, false), many = {};
        size_t at = jpeg.size;

        (void) state;
        while (memcmp(jpeg.data + --at, "\xff\xda", 2) != 0)
                continue;
        made_append(&many, jpeg.data, at);
        for (int i = 0; i < PICTURE_SCANS_MAX; i++)
                made_append(&many, jpeg.data + at, jpeg.size - 2 - at);
        made_append(&many, "\xff\xd9", 2);
        assert_refused(made_bytes(&many), SEAL_E_LIMITS_EXCEEDED, "scans");
}

/* ---- SVG ------------------------------------------------------------------------------------- */

static void an_svg_of_a_seal_is_taken(void **state) {
        static const char svg[] =
                "<?xml version='1.0' encoding='utf-8'?>\n<!-- 章 -->\n"
                "<svg xmlns='http://www.w3.org/2000/svg' version='1.1' width='42mm' height='100%'\n"
                " xmlns:xlink='http://www.w3.org/1999/xlink' viewBox='-21 -21 42 41.5'>\n"
                "<title>合同专用章 (1)</title><defs><path id='arc' d='M-18 0A18 18 0 0 1 18 0'/>\n"
                "<radialGradient id='g' xlink:href='#h'><stop offset='0'/></radialGradient>\n"
                "</defs><circle r='20' fill='none' stroke=\"url(#g)\" stroke-width='1.2'/>\n"
                "<g transform='rotate(12) translate(0, 3)' style='fill:rgb(200, 0, 0)'>\n"
                "<text xml:space='preserve' font-size='4'><textPath href='#arc'>&#x676D;州 &lt;\n"
                "</textPath></text></g><![CDATA[ <script/> ]]></svg>\n";

        (void) state;
        assert_taken(text(svg), PICTURE_SVG, 42, 42);
        assert_taken(text("\xef\xbb\xbf" SVG_BEGIN SVG_END), PICTURE_SVG, 42, 30);
        assert_taken(text("<svg xmlns='http://www.w3.org/2000/svg' width='1in' height='2cm'/>"),
                     PICTURE_SVG, 96, 76);
}

static void an_svg_without_a_size_is_refused(void **state) {
        static const char *const sizes[] = {
                "",
                "width='1'",
                "width='10em' height='10em'",
                "width='0' height='0'",
                "viewBox='0 0 10'",
                "viewBox='0 0 10 10 10'",
                "viewBox='0 0 10 -10'",
                "viewBox='0 0 10 1000001'",
                "viewBox='0 0 nan nan'",
                "width='1e9' height='1'",
                "width='99999999999999999999999999999999999999999999999' height='1'",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                char svg[256];

                (void) snprintf(svg, sizeof(svg), "<svg xmlns='http://www.w3.org/2000/svg' %s/>",
                                sizes[i]);
                assert_svg_refused(svg, "viewBox");
        }
}

static void an_svg_declares_and_expands_nothing(void **state) {
        (void) state;
        assert_svg_refused("<!DOCTYPE svg [<!ENTITY a 'b'>]>" SVG_BEGIN "&a;" SVG_END,
                           "document type");
        assert_svg_refused("<!DOCTYPE svg SYSTEM 'http://127.0.0.1/x.dtd'>" SVG_BEGIN SVG_END,
                           "document type");
        assert_svg_refused(SVG_BEGIN "&a;" SVG_END, "not well-formed");
        assert_svg_refused("<?xml-stylesheet href='http://127.0.0.1/x.css'?>" SVG_BEGIN SVG_END,
                           "processing instruction (<?xml-stylesheet");
        assert_svg_refused(SVG_BEGIN "<?php?>" SVG_END, "processing instruction");
}

static void an_svg_has_elements_that_draw_only(void **state) {
        static const char *const others[] = {
                "script", "a",       "image",  "use",    "foreignObject", "style",   "animate",
                "set",    "pattern", "symbol", "filter", "mask",          "marker",  "metadata",
                "iframe", "video",   "switch", "SVG",    "view",          "handler",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
                char svg[256], words[64];

                (void) snprintf(svg, sizeof(svg), SVG_BEGIN "<%s/>" SVG_END, others[i]);
                (void) snprintf(words, sizeof(words), "the element '%s'", others[i]);
                assert_svg_refused(svg, words);
        }
        assert_svg_refused(SVG_BEGIN "<path xmlns='http://www.w3.org/1999/xhtml'/>" SVG_END,
                           "the element 'path'");
        assert_svg_refused("<g xmlns='http://www.w3.org/2000/svg'/>", "not with 'svg'");
        assert_svg_refused("<svg width='1' height='1'/>", "the element 'svg'");
}

static void an_svg_refers_to_what_is_in_it_only(void **state) {
        static const char *const others[] = {
                "onload='x'",
                "OnClick='x'",
                "href='http://127.0.0.1/'",
                "href=''",
                "href='data:image/png;base64,AAAA'",
                "href=' #a'",
                "xmlns:l='http://www.w3.org/1999/xlink' l:href='x#a'",
                "xmlns:l='http://www.w3.org/1999/xlink' l:actuate='onLoad'",
                "xml:base='http://127.0.0.1/'",
                "xmlns:i='http://www.inkscape.org/namespaces/inkscape' i:label='x'",
                "fill='url(http://127.0.0.1/#a)'",
                "fill='URL(#a)'",
                "fill=' url( \"x#a\")'",
                "style='fill:url(x)'",
                "style='fill:ur\\6c(x)'",
                "style='fill:r\\65 d'",
                "style='@import x'",
                "style='fill:image-set(\"x\" 1x)'",
                "style='width:expression(x)'",
                "style='fill:url/**/(x)'",
                "fill='url&#40;x)'",
                "fill='&#x75;rl(x)'",
                "fill='url('",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
                char svg[512];

                (void) snprintf(svg, sizeof(svg), SVG_BEGIN "<path %s/>" SVG_END, others[i]);
                assert_svg_refused(svg, "may lead out of it");
        }
        assert_taken(text(SVG_BEGIN "<path fill='url( &quot;#a&quot;)' href='#a'/>" SVG_END),
                     PICTURE_SVG, 42, 30);
}

static void an_svg_is_well_formed_utf_8(void **state) {
        static const uint8_t utf_16[] = { '<', 0, 's', 0, 'v', 0, 'g', 0, '/', 0, '>', 0 };

        (void) state;
        assert_svg_refused(SVG_BEGIN, "not well-formed");
        assert_svg_refused(SVG_BEGIN SVG_END "x", "not well-formed");
        assert_svg_refused(SVG_BEGIN "</g>", "not well-formed");
        assert_svg_refused(SVG_BEGIN "<g x='1' x='2'/>" SVG_END, "not well-formed");
        assert_svg_refused("<", "not well-formed");
        assert_svg_refused("<!-- -->", "not well-formed");
        assert_svg_refused(SVG_BEGIN "<title>\xd5\xc2</title>" SVG_END, "not UTF-8");
        assert_svg_refused("<?xml version='1.0' encoding='GBK'?>" SVG_BEGIN SVG_END, "UTF-8");
        assert_svg_refused("<?xml version='1.0' encoding='UTF-7'?>" SVG_BEGIN SVG_END, "UTF-8");
        assert_svg_refused("<?xml version='1.0' encoding='UTF-16'?>" SVG_BEGIN SVG_END, "UTF-");
        assert_refused((Bytes){ utf_16, sizeof(utf_16) }, SEAL_E_INVALID_ARGS, "not UTF-8");
}

static void an_svg_is_bounded(void **state) {
        char *svg = calloc(1, PICTURE_MAX + 1);

        (void) state;
        assert_non_null(svg);
        strcpy(svg, SVG_BEGIN);
        for (int i = 1; i < PICTURE_ELEMENTS_MAX; i++)
                strcat(svg + (i > 1 ? strlen(SVG_BEGIN) + 4 * ((size_t) i - 2) : 0), "<g/>");
        size_t size = strlen(svg);
        strcpy(svg + size, SVG_END);
        assert_taken(text(svg), PICTURE_SVG, 42, 30);
        strcpy(svg + size, "<g/>" SVG_END);
        assert_refused(text(svg), SEAL_E_LIMITS_EXCEEDED, "draw it more simply");
        strcpy(svg, SVG_BEGIN);
        for (int i = 0; i < PICTURE_DEPTH_MAX; i++)
                strcat(svg, "<g>");
        assert_refused(text(svg), SEAL_E_LIMITS_EXCEEDED, "in one another");
        free(svg);
}

/* Of others' seals: libxml2 compares each attribute with all before it, for minutes of 2 MiB. */
static void an_svg_of_many_attributes_does_not_hang(void **state) {
        const char begin[] = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1' ";
        const size_t room = 2 * 1024 * 1024;
        _cleanup_free_ char *svg = malloc(room);
        PictureType type = PICTURE_NONE;
        unsigned width = 0, height = 0;
        ErrorDetail detail = {};

        (void) state;
        assert_non_null(svg);
        size_t size = (size_t) snprintf(svg, room, "%s", begin);
        for (unsigned i = 0; size + 32 < room; i++)
                size += (size_t) snprintf(svg + size, 32, "a%x='' ", i);
        size += (size_t) snprintf(svg + size, 32, "/>");
        const clock_t before = clock();
        assert_int_equal(picture_decode((Bytes){ (const uint8_t *) svg, size }, &type, &width,
                                        &height, &detail),
                         SEAL_E_LIMITS_EXCEEDED);
        assert_true(clock() - before < 10 * CLOCKS_PER_SEC);
        assert_non_null(strstr(detail.text, "draw it more simply"));
}

/* ---- all ------------------------------------------------------------------------------------- */

static void what_is_no_picture_of_these_is_refused(void **state) {
        _cleanup_free_ uint8_t *large = calloc(1, PICTURE_MAX + 1);

        (void) state;
        assert_non_null(large);
        assert_refused((Bytes){ large, 0 }, SEAL_E_INVALID_ARGS, "neither PNG, JPEG nor SVG");
        assert_refused(text("GIF89a"), SEAL_E_INVALID_ARGS, "neither PNG, JPEG nor SVG");
        assert_refused(text("\x1f\x8b\x08"), SEAL_E_INVALID_ARGS, "neither PNG, JPEG nor SVG");
        assert_refused((Bytes){ large, PICTURE_MAX + 1 }, SEAL_E_LIMITS_EXCEEDED, "65537 bytes");
}

static void types_have_names_in_any_case(void **state) {
        (void) state;
        assert_string_equal(picture_type_name(PICTURE_JPEG), "jpeg");
        assert_string_equal(picture_type_label(PICTURE_JPEG), "JPG");
        assert_string_equal(picture_type_name(PICTURE_NONE), "");
        assert_int_equal(picture_type_find("Png"), PICTURE_PNG);
        assert_int_equal(picture_type_find("JPEG"), PICTURE_JPEG);
        assert_int_equal(picture_type_find("jpg"), PICTURE_JPEG);
        assert_int_equal(picture_type_find("svg"), PICTURE_SVG);
        assert_int_equal(picture_type_find("ofd"), PICTURE_NONE);
        assert_int_equal(picture_type_find(""), PICTURE_NONE);
}

/* Of seals of others: theirs may be larger. */
static void what_is_decoded_may_be_larger_than_an_applicants(void **state) {
        static const uint8_t zeros[PICTURE_MAX];
        _made_ Made png = made_png_usual();
        _made_ Made large = with_chunk(&png, "abCd", (Bytes){ zeros, sizeof(zeros) });
        unsigned width, height;
        PictureType type;

        (void) state;
        assert_int_equal(picture_decode(made_bytes(&large), &type, &width, &height, NULL), 0);
        assert_refused(made_bytes(&large), SEAL_E_LIMITS_EXCEEDED, "scale it down");
}

static long address_space(void) {
        long pages = 0;

        _cleanup_fclose_ FILE *in = fopen("/proc/self/statm", "re");
        assert_non_null(in);
        assert_int_equal(fscanf(in, "%ld", &pages), 1);
        return pages * sysconf(_SC_PAGESIZE);
}

/* The result, where no more memory is to be had than is promised and what a heap rounds up. */
static int checked_within_bounds(const Made *picture) {
        const rlim_t most = (rlim_t) address_space() + PICTURE_MEMORY_MAX + 4UL * 1024 * 1024;
        int status = 0;

        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                PictureType type;
                unsigned width, height;

                if (setrlimit(RLIMIT_AS, &(struct rlimit){ most, most }) < 0)
                        _exit(EXIT_FAILURE);
                _exit(picture_check(made_bytes(picture), &type, &width, &height, NULL) & 0x7f);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void no_picture_takes_more_memory_than_is_promised(void **state) {
        _made_ Made jpeg = made_jpeg(2048, 2048, 3, true, false);
        _made_ Made png = made_png(PICTURE_SIDE_MAX, PICTURE_PIXELS_MAX / PICTURE_SIDE_MAX, 16,
                                   MADE_RGB_ALPHA, true);
        _made_ Made text_bomb = made_png_with_text(60UL * 1024 * 1024);

        (void) state;
        assert_true(jpeg.size <= PICTURE_MAX && png.size <= PICTURE_MAX);
        assert_int_equal(checked_within_bounds(&jpeg), 0);
        assert_int_equal(checked_within_bounds(&png), 0);
        assert_int_equal(checked_within_bounds(&text_bomb), 0);
}

/* Not a byte on standard error, whatever the libraries would have to say. */
static void nothing_is_written_to_standard_error(void **state) {
        _made_ Made png = made_png_usual(), jpeg = made_jpeg(40, 30, 3, true, false);
        PictureType type;
        unsigned width, height;
        int pipes[2];
        char byte;

        (void) state;
        (void) fflush(stderr);
        assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
        int saved = dup(STDERR_FILENO);
        assert_int_equal(dup2(pipes[1], STDERR_FILENO), STDERR_FILENO);
        for (size_t size = 0; size < png.size; size += 3)
                (void) picture_check((Bytes){ png.data, size }, &type, &width, &height, NULL);
        for (size_t size = 0; size < jpeg.size; size += 3)
                (void) picture_check((Bytes){ jpeg.data, size }, &type, &width, &height, NULL);
        (void) picture_check(text("<svg><x"), &type, &width, &height, NULL);
        (void) picture_check(text("<?xml encoding='x'?><x:y/>"), &type, &width, &height, NULL);
        (void) fflush(stderr);
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        ssize_t said = read(pipes[0], &byte, 1);
        (void) close(saved);
        (void) close(pipes[0]);
        (void) close(pipes[1]);
        assert_int_equal(said, -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_png_of_any_kind_is_taken),
                cmocka_unit_test(a_png_cut_anywhere_is_refused),
                cmocka_unit_test(a_png_changed_anywhere_is_refused),
                cmocka_unit_test(bytes_behind_a_png_are_refused),
                cmocka_unit_test(a_png_of_too_many_pixels_is_refused_before_it_is_decoded),
                cmocka_unit_test(a_text_that_inflates_takes_no_memory),
                cmocka_unit_test(unknown_and_broken_chunks_are_no_way_out),
                cmocka_unit_test(a_jpeg_of_any_kind_is_taken),
                cmocka_unit_test(a_jpeg_cut_anywhere_is_refused),
                cmocka_unit_test(bytes_behind_a_jpeg_are_refused),
                cmocka_unit_test(a_jpeg_that_few_can_show_is_refused),
                cmocka_unit_test(a_jpeg_of_too_many_pixels_is_refused_before_it_is_decoded),
                cmocka_unit_test(the_largest_progressive_jpeg_is_taken),
                cmocka_unit_test(a_jpeg_of_many_scans_is_refused),
                cmocka_unit_test(an_svg_of_a_seal_is_taken),
                cmocka_unit_test(an_svg_without_a_size_is_refused),
                cmocka_unit_test(an_svg_declares_and_expands_nothing),
                cmocka_unit_test(an_svg_has_elements_that_draw_only),
                cmocka_unit_test(an_svg_refers_to_what_is_in_it_only),
                cmocka_unit_test(an_svg_is_well_formed_utf_8),
                cmocka_unit_test(an_svg_is_bounded),
                cmocka_unit_test(an_svg_of_many_attributes_does_not_hang),
                cmocka_unit_test(what_is_no_picture_of_these_is_refused),
                cmocka_unit_test(types_have_names_in_any_case),
                cmocka_unit_test(what_is_decoded_may_be_larger_than_an_applicants),
                cmocka_unit_test(no_picture_takes_more_memory_than_is_promised),
                cmocka_unit_test(nothing_is_written_to_standard_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
