#!/bin/sh
# deps.txt has one package a line, sorted, none twice.
# SPDX-License-Identifier: Apache-2.0
LC_ALL=C sort -uc deps.txt && ! grep -n '[^a-z0-9.+-]' deps.txt
