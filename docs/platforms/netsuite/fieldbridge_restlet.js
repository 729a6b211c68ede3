/**
 * Fieldbridge RESTlet: messages and files of a record, which NetSuite's REST web services do not reach.
 *
 * Deploy it as docs/platforms/netsuite.md says. It takes POST with a JSON body and answers
 *   {"header": {"status": "SUCCESS" | "ERROR"}, "body": …}
 * where the body of an error is {"errorCode", "errorMessage"}. Every request names an action, and but for "ping" the
 * record by its type (lower case, as SuiteScript writes it) and internal id:
 *
 *   ping                                          → {version, storesFiles}
 *   list        messages?, files?                 → {messages: [{id, text, internalOnly, author, date, byUs}],
 *                                                    files: [{id, name, size, byUs}]}
 *   addMessage  text, internalOnly                → {id}
 *   upload      name, size, contents (base64)     → {id, existed}
 *   download    file                              → {name, contents (base64)}
 *
 * Script parameter custscript_fieldbridge_folder (Integer Number, label "Fieldbridge folder"): the internal id of the
 * File Cabinet folder in which uploaded files are kept, in a folder of its own for each record. Attaching an uploaded
 * file to its record is left to the caller.
 *
 * Messages of support cases are case messages; internal ones are seen by staff only, and nothing is ever mailed. On
 * other record types messages are user notes, which only staff sees.
 *
 * @NApiVersion 2.1
 * @NScriptType Restlet
 * @NModuleScope SameAccount
 */
define(['N/encode', 'N/file', 'N/format', 'N/record', 'N/runtime', 'N/search'],
  (encode, file, format, record, runtime, search) => {
    const VERSION = 1;
    // A RESTlet gives texts of 10 MB at most, and base64 makes four characters of three bytes.
    const LARGEST_FILE = 7 * 1024 * 1024;
    const CASE = 'supportcase';

    const FILE_TYPES = {
      bmp: 'BMPIMAGE', csv: 'CSV', doc: 'WORD', docx: 'WORD', gif: 'GIFIMAGE', gz: 'GZIP', heic: 'MISCBINARY',
      htm: 'HTMLDOC', html: 'HTMLDOC', jpeg: 'JPGIMAGE', jpg: 'JPGIMAGE', json: 'JSON', mp3: 'MP3', mov: 'QUICKTIME',
      mpeg: 'MPEGMOVIE', pdf: 'PDF', png: 'PNGIMAGE', ppt: 'POWERPOINT', pptx: 'POWERPOINT', rtf: 'RTF', svg: 'SVG',
      tif: 'TIFFIMAGE', tiff: 'TIFFIMAGE', txt: 'PLAINTEXT', xls: 'EXCEL', xlsx: 'EXCEL', xml: 'XMLDOC', zip: 'ZIP'
    };
    // Files of these types are kept as text, all others as base64.
    const TEXT_TYPES = ['CSV', 'HTMLDOC', 'JSON', 'PLAINTEXT', 'RTF', 'SVG', 'XMLDOC'];

    class Refusal extends Error {
      constructor(code, message) {
        super(message);
        this.name = code;
      }
    }

    const post = (request) => {
      try {
        const body = run(request || {});
        return { header: { status: 'SUCCESS' }, body };
      } catch (error) {
        log.error({ title: 'Fieldbridge', details: error });
        return {
          header: { status: 'ERROR' },
          body: { errorCode: String(error.name || 'UNEXPECTED_ERROR'), errorMessage: String(error.message || error) }
        };
      }
    };

    const run = (request) => {
      if (request.action === 'ping') {
        return { version: VERSION, storesFiles: Boolean(folderParameter()) };
      }
      const actions = { list, addMessage, upload, download };
      const action = Object.prototype.hasOwnProperty.call(actions, request.action) ? actions[request.action] : null;
      if (!action) {
        throw new Refusal('FB_UNKNOWN_ACTION', `there is no action ${request.action}`);
      }
      const type = String(request.type || '').toLowerCase();
      const id = String(request.id || '');
      if (!/^[a-z0-9_]+$/.test(type) || !/^[0-9]+$/.test(id)) {
        throw new Refusal('FB_BAD_REQUEST', 'type and id of the record are needed');
      }
      if (rows(type, id, [{ name: 'internalid' }]).length === 0) {
        throw new Refusal('FB_NOT_FOUND', `there is no ${type} ${id}`);
      }
      return action(type, id, request);
    };

    /** The rows of a search for one record, with columns of what is joined to it. */
    const rows = (type, id, columns) => {
      const found = [];
      const query = search.create({
        type,
        filters: [['internalid', 'anyof', id]],
        columns: columns.map((column) => search.createColumn(column))
      });
      const pages = query.runPaged({ pageSize: 1000 });
      pages.pageRanges.forEach((range) => {
        pages.fetch({ index: range.index }).data.forEach((row) => found.push(row));
      });
      return found;
    };

    const list = (type, id, request) => ({
      messages: request.messages ? messages(type, id) : [],
      files: request.files ? files(type, id) : []
    });

    const messages = (type, id) => {
      const of = type === CASE
        ? { join: 'messages', text: 'message', date: 'messagedate', internal: 'internalonly' }
        : { join: 'usernotes', text: 'note', date: 'notedate' };
      const column = (name) => ({ name, join: of.join });
      const columns = ['internalid', of.text, of.date, 'author'].concat(of.internal || []).map(column);
      const us = String(runtime.getCurrentUser().id);
      return rows(type, id, columns)
        .map((row) => ({
          id: row.getValue(column('internalid')),
          text: plain(row.getValue(column(of.text))),
          internalOnly: of.internal ? isTrue(row.getValue(column(of.internal))) : true,
          author: row.getText(column('author')) || null,
          date: moment(row.getValue(column(of.date))),
          byUs: String(row.getValue(column('author'))) === us
        }))
        .filter((message) => message.id && message.text)
        .sort((one, other) => Number(one.id) - Number(other.id));
    };

    const isTrue = (value) => value === true || value === 'T';

    const moment = (text) => {
      if (!text) {
        return null;
      }
      const date = format.parse({ value: text, type: format.Type.DATETIME });
      return date instanceof Date ? date.toISOString() : null;
    };

    /** Messages may be HTML; only their words are carried. */
    const plain = (text) => {
      const value = String(text || '');
      if (!/<(br|p|div|span|table|html|body|a|b|i|ul|ol)\b[^>]*>/i.test(value)) {
        return value.trim();
      }
      const broken = value.replace(/<br\s*\/?>|<\/(p|div|tr|li|h[1-6])>/gi, '\n').replace(/<[^>]*>/g, '');
      const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': '\'', '&nbsp;': ' ', '&amp;': '&' };
      return broken.replace(/&(lt|gt|quot|#39|nbsp|amp);/g, (entity) => entities[entity]).trim();
    };

    const addMessage = (type, id, request) => {
      const text = String(request.text || '').trim();
      if (!text) {
        throw new Refusal('FB_BAD_REQUEST', 'a message needs text');
      }
      if (type === CASE) {
        const supportCase = record.load({ type, id });
        supportCase.setValue({ fieldId: 'outgoingmessage', value: text });
        supportCase.setValue({ fieldId: 'internalonly', value: Boolean(request.internalOnly) });
        // "Send to Customer": nobody is mailed.
        supportCase.setValue({ fieldId: 'emailform', value: false });
        supportCase.save({ ignoreMandatoryFields: true });
        const squeezed = (value) => value.replace(/\s+/g, ' ').trim();
        const ours = messages(type, id).filter((message) => message.byUs && squeezed(message.text) === squeezed(text));
        return { id: ours.length > 0 ? ours[ours.length - 1].id : null };
      }
      const note = record.create({ type: record.Type.NOTE });
      note.setValue({ fieldId: 'title', value: 'Field Nation' });
      note.setValue({ fieldId: 'note', value: text });
      link(note, type, id);
      return { id: String(note.save()) };
    };

    const ENTITIES = ['customer', 'vendor', 'employee', 'contact', 'partner', 'lead', 'prospect', 'job'];
    const ACTIVITIES = ['task', 'phonecall', 'calendarevent'];

    const link = (note, type, id) => {
      if (type.startsWith('customrecord')) {
        const types = rowsOfType(type);
        if (types.length === 0) {
          throw new Refusal('FB_NOT_FOUND', `there is no record type ${type}`);
        }
        note.setValue({ fieldId: 'recordtype', value: types[0].id });
        note.setValue({ fieldId: 'record', value: id });
      } else if (ENTITIES.includes(type)) {
        note.setValue({ fieldId: 'entity', value: id });
      } else if (ACTIVITIES.includes(type)) {
        note.setValue({ fieldId: 'activity', value: id });
      } else {
        note.setValue({ fieldId: 'transaction', value: id });
      }
    };

    const rowsOfType = (scriptId) => search.create({
      type: 'customrecordtype',
      filters: [['scriptid', 'is', scriptId]],
      columns: ['internalid']
    }).run().getRange({ start: 0, end: 1 });

    const files = (type, id) => {
      const column = (name) => ({ name, join: 'file' });
      const ours = ownFolder(type, id, { make: false });
      return rows(type, id, ['internalid', 'name', 'documentsize', 'folder'].map(column))
        .filter((row) => row.getValue(column('internalid')))
        .map((row) => {
          const fileId = row.getValue(column('internalid'));
          return {
            id: String(fileId),
            name: row.getValue(column('name')),
            // The search tells whole kilobytes; the file itself tells bytes.
            size: file.load({ id: fileId }).size,
            byUs: Boolean(ours) && String(row.getValue(column('folder'))) === String(ours)
          };
        });
    };

    const folderParameter = () =>
      runtime.getCurrentScript().getParameter({ name: 'custscript_fieldbridge_folder' });

    /** The folder of a record's uploaded files; names in one folder are unique, so records must not share one. */
    const ownFolder = (type, id, { make }) => {
      const parent = folderParameter();
      if (!parent) {
        if (make) {
          throw new Refusal('FB_NO_FOLDER', 'the deployment names no folder for files');
        }
        return null;
      }
      const name = `${type}-${id}`;
      const found = search.create({
        type: 'folder',
        filters: [['parent', 'anyof', parent], 'and', ['name', 'is', name]],
        columns: ['internalid']
      }).run().getRange({ start: 0, end: 1 });
      if (found.length > 0) {
        return found[0].id;
      }
      if (!make) {
        return null;
      }
      const folder = record.create({ type: record.Type.FOLDER });
      folder.setValue({ fieldId: 'name', value: name });
      folder.setValue({ fieldId: 'parent', value: parent });
      return folder.save();
    };

    const upload = (type, id, request) => {
      const given = String(request.name || '').replace(/[\\/:*?"<>|\u0000-\u001f]/g, '_').slice(-190);
      if (!given || typeof request.contents !== 'string') {
        throw new Refusal('FB_BAD_REQUEST', 'a file needs a name and contents');
      }
      const folder = ownFolder(type, id, { make: true });
      const dot = given.lastIndexOf('.');
      const stem = dot > 0 ? given.slice(0, dot) : given;
      const ending = dot > 0 ? given.slice(dot) : '';
      for (let count = 1; count <= 100; count += 1) {
        const name = count === 1 ? given : `${stem} (${count})${ending}`;
        const there = named(folder, name);
        if (!there) {
          return { id: String(store(folder, name, request.contents)), existed: false };
        }
        // An earlier try stored it already: saving it again under its name would do no harm, a second one would.
        if (file.load({ id: there }).size === Number(request.size)) {
          return { id: String(there), existed: true };
        }
      }
      throw new Refusal('FB_BAD_REQUEST', `there are too many files called ${given}`);
    };

    const named = (folder, name) => {
      const found = search.create({
        type: 'file',
        filters: [['folder', 'anyof', folder], 'and', ['name', 'is', name]],
        columns: ['internalid']
      }).run().getRange({ start: 0, end: 1 });
      return found.length > 0 ? found[0].id : null;
    };

    const store = (folder, name, contents) => {
      const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
      const type = FILE_TYPES[ending] || 'MISCBINARY';
      const isText = TEXT_TYPES.includes(type);
      const text = () => encode.convert({
        string: contents,
        inputEncoding: encode.Encoding.BASE_64,
        outputEncoding: encode.Encoding.UTF_8
      });
      return file.create({
        name,
        fileType: file.Type[type],
        contents: isText ? text() : contents,
        encoding: isText ? file.Encoding.UTF_8 : undefined,
        folder
      }).save();
    };

    const download = (type, id, request) => {
      const wanted = String(request.file || '');
      // Only files of the record are given: a caller must not read the whole File Cabinet through it.
      const column = { name: 'internalid', join: 'file' };
      const attached = rows(type, id, [column]).some((row) => String(row.getValue(column)) === wanted);
      if (!attached) {
        throw new Refusal('FB_NOT_FOUND', `file ${wanted} is not attached to ${type} ${id}`);
      }
      const found = file.load({ id: wanted });
      if (found.size > LARGEST_FILE) {
        throw new Refusal('FB_TOO_LARGE', `${found.name} has ${found.size} bytes`);
      }
      const contents = found.getContents();
      return {
        name: found.name,
        contents: found.isText
          ? encode.convert({
            string: contents,
            inputEncoding: encode.Encoding.UTF_8,
            outputEncoding: encode.Encoding.BASE_64
          })
          : contents
      };
    };

    return { post };
  });
