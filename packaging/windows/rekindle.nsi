; The setup of Rekindle: for one person, without an administrator. packaging/windows.py gives it
;   VERSION, VERSION4 (four numbers), CONTENT and REMOVAL (files with the lines that lay out and delete the program),
;   ICON, PICTURE (of the first and the last page), LICENCE, TARGET, KILOBYTES, and SIGN (a command) where there is a certificate.
;
; Switches: /S silent, /DESKTOP=1 with an icon on the desktop (silent only; the last page asks else),
;   /D=FOLDER another folder (must come last). Exit status: 0 done, 1 stopped by the person, 2 not possible, 3 the program runs.
; What belongs to the person (keys, boards, settings) is in another folder and is never touched.

Unicode true
Target amd64-unicode
SetCompressor /SOLID /FINAL lzma
SetCompressorDictSize 64
SetDateSave on
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user
CRCCheck force

!include MUI2.nsh
!include FileFunc.nsh
!include WinVer.nsh
!include x64.nsh
!include LogicLib.nsh

!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Rekindle"

Name "Rekindle"
Caption "Rekindle ${VERSION}"
BrandingText "Rekindle ${VERSION}"
OutFile "${TARGET}"
InstallDir "$LOCALAPPDATA\Programs\Rekindle"
InstallDirRegKey HKCU "${KEY}" "InstallLocation"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${VERSION4}"
VIFileVersion "${VERSION4}"
VIAddVersionKey ProductName "Rekindle"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Setup of Rekindle"
VIAddVersionKey CompanyName "The Rekindle contributors"
VIAddVersionKey LegalCopyright "The Rekindle contributors. Apache License 2.0"

!ifdef SIGN
  !uninstfinalize '${SIGN} "%1"'
!endif

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_WELCOMEPAGE_TITLE "Rekindle ${VERSION}"
!define MUI_WELCOMEPAGE_TEXT "Rekindle sets up and brings back Spark Core, Particle Photon, P1 and Electron boards over USB.$\r$\n$\r$\nIt is installed for you alone; no administrator is needed. The firmware files for a rescue come with it, so it works without a network.$\r$\n$\r$\nAn older Rekindle is replaced. Your keys and settings stay."
!define MUI_WELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_UNWELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_LICENSEPAGE_TEXT_TOP "The Apache License, version 2.0:"
!define MUI_LICENSEPAGE_BUTTON "&Next >"
!define MUI_LICENSEPAGE_TEXT_BOTTOM "You need not agree to anything in order to use Rekindle. The licences of what it brings along are in the folder licences."
!define MUI_FINISHPAGE_RUN "$INSTDIR\Rekindle.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Start Rekindle"
!define MUI_FINISHPAGE_SHOWREADME ""
!define MUI_FINISHPAGE_SHOWREADME_TEXT "Put an icon on the desktop"
!define MUI_FINISHPAGE_SHOWREADME_NOTCHECKED
!define MUI_FINISHPAGE_SHOWREADME_FUNCTION DesktopIcon
!define MUI_UNCONFIRMPAGE_TEXT_TOP "Rekindle is taken off this computer. Your keys, the copies of your boards and your settings stay where they are: in AppData\Local\rekindle."

!insertmacro MUI_PAGE_WELCOME
!define MUI_PAGE_HEADER_TEXT "Licence"
!define MUI_PAGE_HEADER_SUBTEXT "Rekindle is free software: use it, copy it, change it."
!insertmacro MUI_PAGE_LICENSE "${LICENCE}"
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Nothing is replaced or removed while it runs: half of one version with half of another would not start.
!macro END_IF_RUNNING un
  Function ${un}EndIfRunning
    again:
    System::Call 'kernel32::OpenMutexW(i 0x00100000, i 0, w "RekindleIsOpen") p .r0' ; SYNCHRONIZE; launcher.c makes it
    ${If} $0 P<> 0
      System::Call 'kernel32::CloseHandle(p r0)'
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Rekindle is open. Close it, then try again.$\r$\n$\r$\nIs a rescue going on, let it end first." /SD IDCANCEL IDRETRY again
      SetErrorLevel 3
      Quit
    ${EndIf}
  FunctionEnd
!macroend
!insertmacro END_IF_RUNNING ""
!insertmacro END_IF_RUNNING "un."

Function .onInit
  ${IfNot} ${AtLeastWin10}
  ${OrIfNot} ${RunningX64}
    MessageBox MB_OK|MB_ICONSTOP "Rekindle needs Windows 10 or 11, 64-bit." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  SetShellVarContext current
FunctionEnd

Function un.onInit
  SetShellVarContext current
FunctionEnd

Function DesktopIcon
  CreateShortcut "$DESKTOP\Rekindle.lnk" "$INSTDIR\Rekindle.exe"
FunctionEnd

Section "Rekindle"
  Call EndIfRunning
  ; The version before takes away what it brought, and knows best what that was.
  ${If} ${FileExists} "$INSTDIR\Uninstall.exe"
    DetailPrint "Removing the version before"
    ExecWait '"$INSTDIR\Uninstall.exe" /S /UPGRADE _?=$INSTDIR' $1
    ${If} $1 <> 0
      SetErrorLevel $1
      MessageBox MB_OK|MB_ICONSTOP "The version before cannot be removed." /SD IDOK
      Quit
    ${EndIf}
  ${EndIf}

  SetOverwrite on
  !include "${CONTENT}"
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\Uninstall.exe"

  CreateShortcut "$SMPROGRAMS\Rekindle.lnk" "$INSTDIR\Rekindle.exe"
  ${GetParameters} $0
  ${GetOptions} $0 "/DESKTOP=" $1
  ${If} $1 == 1
    Call DesktopIcon
  ${EndIf}

  WriteRegStr HKCU "${KEY}" "DisplayName" "Rekindle"
  WriteRegStr HKCU "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${KEY}" "Publisher" "The Rekindle contributors"
  WriteRegStr HKCU "${KEY}" "DisplayIcon" "$INSTDIR\Rekindle.exe"
  WriteRegStr HKCU "${KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${KEY}" "UninstallString" '"$INSTDIR\Uninstall.exe"'
  WriteRegStr HKCU "${KEY}" "QuietUninstallString" '"$INSTDIR\Uninstall.exe" /S'
  WriteRegDWORD HKCU "${KEY}" "EstimatedSize" ${KILOBYTES}
  WriteRegDWORD HKCU "${KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${KEY}" "NoRepair" 1
SectionEnd

Section "Uninstall"
  Call un.EndIfRunning
  !include "${REMOVAL}"
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/UPGRADE" $1
  ${If} ${Errors} ; an upgrade keeps the icons: a person may have moved them
    Delete "$SMPROGRAMS\Rekindle.lnk"
    Delete "$DESKTOP\Rekindle.lnk"
    DeleteRegKey HKCU "${KEY}"
  ${EndIf}
  Delete "$INSTDIR\Uninstall.exe"
  SetOutPath "$TEMP"
  RMDir "$INSTDIR" ; only if nothing of the person's is in it
  ClearErrors
SectionEnd
